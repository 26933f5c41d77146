from fastapi import Depends, FastAPI
from flask import Flask
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")
api = FastAPI()
site = Flask(__name__)


def started(run_id: str) -> str:
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


def finish(record_id: str) -> dict:
    return runs.update(record_id, {"Status": "Completed"})  # expect: update


api.add_api_route("/runs/{record_id}/finish", finish, methods=["POST"])  # expect: no-start
site.add_url_rule("/runs/<record_id>/finish", view_func=finish, methods=["POST"])  # expect: no-start


# The dependency starts the run before the body of the route.
@api.post("/score/{run_id}")
def score(record_id: str = Depends(started)) -> dict:  # expect: creating-wrapper
    return runs.update(record_id, {"Status": "Scored"})  # expect: update
