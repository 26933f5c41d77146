"""Shows runs, and takes late results, over HTTP."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from runledger import RunNotFound

from .runs import reads, updates

app = FastAPI()


@app.get("/runs/{run_id}/{client_id}")
def show(run_id: str, client_id: str) -> dict[str, Any]:
    return reads.get(run_id, client_id).to_json()


@app.post("/runs/{run_id}/{client_id}/leads")
def set_leads(run_id: str, client_id: str, leads: int) -> dict[str, str]:
    updates.update(run_id, client_id, metrics={"Leads": leads})
    return {"status": "updated"}


@app.exception_handler(RunNotFound)
def not_found(_: Request, error: RunNotFound) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=404)
