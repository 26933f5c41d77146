from contextlib import asynccontextmanager
from contextvars import ContextVar

from fastapi import FastAPI, HTTPException, Request
from pyairtable import Api

current = ContextVar("current")


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.table = Api("pat").table("app", "Client Run Results")
    yield


app = FastAPI(lifespan=lifespan)
table = Api("pat").table("app", "Client Run Results")


def require(run_id: str) -> dict:
    row = table.first(formula=f"{{Run ID}}='{run_id}'")
    if row is None:
        raise HTTPException(status_code=404)
    return row


@app.put("/runs/{run_id}/status/{status}")  # expect: no-start
async def put_status(run_id: str, status: str):
    row = require(run_id)
    return table.update(row["id"], {"Status": status})  # expect: update


@app.put("/runs/{run_id}")
async def put_run(run_id: str, request: Request):
    if table.first(formula=f"{{Run ID}}='{run_id}'"):
        raise HTTPException(status_code=409, detail="run exists")
    return table.create({"Run ID": run_id, **(await request.json())})  # expect: creation


@app.get("/runs/{run_id}")
async def get_run(run_id: str):
    return require(run_id)
