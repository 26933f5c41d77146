# scan: runs = "client_run_results"
from flask import Blueprint, current_app, request

bp = Blueprint("runs", __name__, url_prefix="/runs")

START = "INSERT INTO client_run_results (run_id) VALUES (%s)"
PROGRESS = "UPDATE client_run_results SET scored = %s WHERE run_id = %s"


def db():
    return current_app.extensions["db"]


@bp.post("/<run_id>/score")
def score(run_id):
    db().execute(START, [run_id])  # expect: creation
    for n in range(3):
        db().execute(PROGRESS, [n, run_id])  # expect: update
    return {"run": run_id}


@bp.post("/<run_id>/progress")  # expect: no-start
def progress(run_id):
    db().execute(PROGRESS, [request.json["scored"], run_id])  # expect: update
    return {"run": run_id}
