from fastapi import APIRouter, Depends, BackgroundTasks
from typing import Annotated
from pyairtable import Api
import typer
router = APIRouter(prefix="/runs")
cli = typer.Typer()
class RunRepository:
    def __init__(self, table): self.table = table
    def add(self, run_id): return self.table.create({"Run ID": run_id})  # expect: creation
    def set(self, rid, **f): return self.table.update(rid, f)  # expect: update
def get_repo() -> RunRepository:
    return RunRepository(Api("k").table("b", "Client Run Results"))
Repo = Annotated[RunRepository, Depends(get_repo)]
@router.post("/")
async def create(run_id: str, repo: RunRepository = Depends(get_repo)):
    rec = repo.add(run_id)  # expect: creating-wrapper
    repo.set(rec["id"], Status="Running")  # expect: updating-wrapper
    return rec
@router.put("/{rid}")  # expect: no-start
async def change(rid: str, tasks: BackgroundTasks, repo: RunRepository = Depends(get_repo)):
    tasks.add_task(repo.set, rid, Status="Done")  # expect: updating-wrapper
@router.delete("/{rid}")  # expect: no-start
def cancel(rid: str, repo: Repo):
    repo.set(rid, Status="Cancelled")  # expect: updating-wrapper
@cli.command()  # expect: no-start
def fix(rid: str):
    get_repo().set(rid, Status="Fixed")  # expect: updating-wrapper
