from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException

from workflows import start_run, update_run
from workflows.clients import add_metric, client_named
from workflows.tasks import harvest, score

router = APIRouter()


@router.post("/runs", status_code=201)
def create(run_id: str, client: str) -> dict[str, str]:
    try:
        return {"id": start_run(run_id, client_named(client))}  # expect: creating-wrapper, creating-wrapper@Clients
    except ValueError as error:
        raise HTTPException(409, str(error)) from error


@router.post("/runs/{run_id}/{client_id}/score")
def begin_score(run_id: str, client_id: str) -> dict[str, bool]:
    start_run(run_id, client_id)  # expect: creating-wrapper
    score.delay(run_id, client_id)
    return {"queued": True}


@router.patch("/runs/{run_id}/{client_id}")  # expect: no-start
def patch(run_id: str, client_id: str, fields: dict) -> None:
    update_run(run_id, client_id, **fields)  # expect: updating-wrapper


@router.post("/metrics/{name}")  # expect: no-start
def metric(name: str, value: float, run_id: str, client_id: str, tasks: BackgroundTasks) -> None:
    add_metric(name, value)  # expect: creating-wrapper@Metrics
    tasks.add_task(harvest.run_harvest, run_id, client_id)


app = FastAPI()
app.include_router(router, prefix="/v1")
