from fastapi import APIRouter, FastAPI, HTTPException
from pyairtable import Api
from pyairtable.formulas import match

app = FastAPI()
router = APIRouter(prefix="/runs")
runs = Api("pat").table("app", "Client Run Results")


def find(run_id: str):
    return runs.first(formula=match({"Run ID": run_id}))


@router.post("/{run_id}")
async def start(run_id: str):
    if find(run_id):
        raise HTTPException(status_code=409, detail="exists")
    return runs.create({"Run ID": run_id})  # expect: creation


@router.patch("/{run_id}")  # expect: no-start
async def change(run_id: str, fields: dict):
    record = find(run_id)
    if record is None:
        raise HTTPException(status_code=404)
    return runs.update(record["id"], fields)  # expect: update


@router.get("/{run_id}")
async def show(run_id: str):
    return find(run_id)


app.include_router(router)
