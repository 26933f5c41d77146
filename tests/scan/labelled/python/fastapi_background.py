from fastapi import BackgroundTasks, FastAPI
from pyairtable import Api

app = FastAPI()
runs = Api("pat").table("app", "Client Run Results")


def begin(run_id):
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


def finish(record_id):
    runs.update(record_id, {"Status": "Completed"})  # expect: update


def work(record_id):
    finish(record_id)  # expect: updating-wrapper


@app.post("/score/{run_id}")
def score(run_id: str, tasks: BackgroundTasks):
    record_id = begin(run_id)  # expect: creating-wrapper
    tasks.add_task(work, record_id)
    return {"accepted": True}


@app.post("/rescore/{record_id}")  # expect: no-start
def rescore(record_id: str, tasks: BackgroundTasks):
    tasks.add_task(work, record_id)
    return {"accepted": True}
