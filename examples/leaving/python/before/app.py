"""Shows runs, and takes late results, over HTTP."""

from fastapi import FastAPI

from .runs import create_run, find_run, update_run

app = FastAPI()


@app.get("/runs/{day}/{client_id}")
def show(day: str, client_id: str) -> dict[str, str]:
    run_id = f"1-{day}"
    record_id = find_run(run_id, client_id)
    if record_id is None:
        record_id = create_run(run_id, client_id)
    return {"record": record_id}


@app.post("/runs/{day}/{client_id}/leads")
def set_leads(day: str, client_id: str, leads: int) -> dict[str, str]:
    update_run(f"{day}-1", client_id, Leads=leads)
    return {"status": "updated"}
