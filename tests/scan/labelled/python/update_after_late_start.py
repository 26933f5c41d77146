"""A start comes too late: the first write of the route is an update."""
from fastapi import FastAPI
from pyairtable import Api

app = FastAPI()
runs = Api("pat").table("app", "Client Run Results")


@app.post("/runs/{old}/follow-up/{new}")  # expect: no-start
def follow_up(old: str, new: str):
    runs.update(old, {"Status": "Superseded"})  # expect: update
    return runs.create({"Run ID": new})  # expect: creation
