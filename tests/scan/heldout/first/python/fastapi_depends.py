from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from pyairtable import Api

router = APIRouter(prefix="/runs")


class Runs:
    def __init__(self):
        self.table = Api("pat").table("app", "Client Run Results")

    def start(self, run_id: str) -> dict:
        if self.table.first(formula=f"{{Run ID}}='{run_id}'"):
            raise HTTPException(409, "exists")
        return self.table.create({"Run ID": run_id})  # expect: creation

    def finish(self, record_id: str) -> None:
        self.table.update(record_id, {"Status": "Completed"})  # expect: update


def get_runs() -> Runs:
    return Runs()


RunsDep = Annotated[Runs, Depends(get_runs)]


@router.post("")
def start(run_id: str, runs: RunsDep):
    return runs.start(run_id)  # expect: creating-wrapper


@router.patch("/{record_id}")  # expect: no-start
def finish(record_id: str, runs: Runs = Depends(get_runs)):
    runs.finish(record_id)  # expect: updating-wrapper


@router.post("/{record_id}/later")  # expect: no-start
def finish_later(record_id: str, background: BackgroundTasks, runs: RunsDep):
    background.add_task(runs.finish, record_id)  # expect: updating-wrapper
    return {"queued": True}
