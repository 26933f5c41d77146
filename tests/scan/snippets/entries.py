from fastapi import FastAPI, HTTPException
from celery import shared_task
from flask import Blueprint
import click
from pyairtable import Api

app = FastAPI()
bp = Blueprint("runs", __name__)
runs = Api("k").table("app1", "Client Run Results")
clients = Api("k").table("app1", "Clients")


def set_status(record_id, status):
    runs.update(record_id, {"Status": status})  # expect: update


def begin(run_id):
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


@app.post("/runs/{record_id}/done")  # expect: no-start
async def done(record_id: str):
    set_status(record_id, "Completed")  # expect: updating-wrapper


@app.post("/runs")
async def create(run_id: str):
    record_id = begin(run_id)  # expect: creating-wrapper
    set_status(record_id, "Running")  # expect: updating-wrapper


@bp.route("/clients", methods=["POST"])  # expect: no-start
def add_client():
    clients.create({"Name": "x"})  # expect: creation@Clients
    set_status("rec", "Running")  # expect: updating-wrapper


@shared_task  # expect: no-start
def nightly():
    for record in runs.all():
        runs.update(record["id"], {"Seen": True})  # expect: update


@click.command()
def command():
    if clients.first() is None:
        raise SystemExit(1)
    record_id = begin("x")  # expect: creating-wrapper
    set_status(record_id, "Completed")  # expect: updating-wrapper


@app.get("/runs/{record_id}")
def show(record_id: str):
    record = runs.first(formula="x")
    if not record:
        raise HTTPException(404)
    return record


if __name__ == "__main__":
    set_status("rec1", "Failed")  # expect: updating-wrapper, no-start
