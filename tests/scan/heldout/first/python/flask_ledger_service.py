from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

from flask import Flask, jsonify, request
from pyairtable import Api


@runtime_checkable
class RunGateway(Protocol):
    def open_run(self, run_id: str, client: str) -> dict: ...

    def change(self, record_id: str, **fields: object) -> None: ...


class AirtableRunGateway:
    def __init__(self, token: str, base_id: str) -> None:
        self.runs = Api(token).table(base_id, "Client Run Results")

    def open_run(self, run_id: str, client: str) -> dict:
        return self.runs.create({"Run ID": run_id, "Client": client})  # expect: creation

    def change(self, record_id: str, **fields: object) -> None:
        self.runs.update(record_id, fields)  # expect: update


class InMemoryRunGateway:
    def __init__(self) -> None:
        self.rows: dict[str, dict] = {}

    def open_run(self, run_id: str, client: str) -> dict:
        self.rows[run_id] = {"id": run_id, "Client": client}
        return self.rows[run_id]

    def change(self, record_id: str, **fields: object) -> None:
        self.rows[record_id].update(fields)


class ScoringService:
    gateway: RunGateway

    def __init__(self, gateway: RunGateway) -> None:
        self.gateway = gateway

    def begin(self, run_id: str, client: str) -> str:
        return self.gateway.open_run(run_id, client)["id"]  # expect: creating-wrapper

    def complete(self, record_id: str) -> None:
        self.gateway.change(record_id, Status="Completed")  # expect: updating-wrapper


def create_app() -> Flask:
    app = Flask(__name__)
    service = ScoringService(AirtableRunGateway(os.environ["TOKEN"], os.environ["BASE"]))

    @app.post("/runs")
    def start():
        body = request.get_json()
        return jsonify(id=service.begin(body["run_id"], body["client"])), 201

    @app.post("/runs/<record_id>/complete")  # expect: no-start
    def complete(record_id: str):
        service.complete(record_id)
        return "", 204

    return app
