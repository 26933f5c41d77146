"""Sends messages about runs; the records are made by whoever reads them."""
import json

import boto3
import redis

sqs = boto3.client("sqs")
cache = redis.Redis()
TABLE = "Client Run Results"


def create_run(run_id: str, client_id: str) -> None:
    body = json.dumps({"table": TABLE, "op": "create", "fields": {"Run ID": run_id, "Client ID": client_id}})
    sqs.send_message(QueueUrl="https://sqs.example.com/runs", MessageBody=body)


def update_run(run_id: str, **fields: str) -> None:
    cache.hset(f"run:{run_id}", mapping=fields)
    cache.publish("runs", json.dumps({"table": TABLE, "op": "update", "run": run_id}))


def start(run_id: str) -> None:
    create_run(run_id, "acme")
    update_run(run_id, status="Running")
