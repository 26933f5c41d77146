from functools import lru_cache

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from pyairtable import Api, Table
from pydantic import BaseModel
from pydantic_settings import BaseSettings

app = FastAPI()


class Config(BaseSettings):
    airtable_token: str
    airtable_base: str
    run_table: str = "Client Run Results"


@lru_cache
def config() -> Config:
    return Config()


def run_table(settings: Config = Depends(config)) -> Table:
    return Api(settings.airtable_token).table(settings.airtable_base, "Client Run Results")


class Progress(BaseModel):
    step: str
    done: int = 0


def find_run(table: Table, run_id: str):
    return table.first(formula=f"{{Run ID}} = '{run_id}'")


@app.post("/runs/{run_id}", status_code=201)
def start(run_id: str, table: Table = Depends(run_table)):
    if find_run(table, run_id):
        raise HTTPException(409, "run exists")
    return table.create({"Run ID": run_id})  # expect: creation


@app.patch("/runs/{run_id}")  # expect: no-start
def patch(run_id: str, body: Progress, table: Table = Depends(run_table)):
    run = find_run(table, run_id)
    if run is None:
        raise HTTPException(404)
    return table.update(run["id"], body.model_dump())  # expect: update


@app.put("/runs/{run_id}")
def put(run_id: str, body: Progress, table: Table = Depends(run_table)):
    run = find_run(table, run_id)
    if run is None:
        run = table.create({"Run ID": run_id, **body.model_dump()})  # expect: recovery
    return run


def mark(table: Table, record_id: str, step: str):
    table.update(record_id, {"Step": step})  # expect: update


@app.post("/runs/{run_id}/steps/{step}")  # expect: no-start
def step(run_id: str, step: str, tasks: BackgroundTasks, table: Table = Depends(run_table)):
    run = find_run(table, run_id)
    if not run:
        raise HTTPException(status_code=404, detail="unknown run")
    tasks.add_task(mark, table, run["id"], step)  # expect: updating-wrapper
    return {"ok": True}
