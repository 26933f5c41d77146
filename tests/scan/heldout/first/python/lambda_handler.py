import json
import logging
import os

import boto3
from pyairtable import Api
from pyairtable.formulas import match

log = logging.getLogger()
TABLE_NAME = os.getenv("RUNS_TABLE", "Client Run Results")
api = Api(os.environ["AIRTABLE_TOKEN"])
runs = api.table(os.environ["AIRTABLE_BASE"], TABLE_NAME)
sqs = boto3.client("sqs")


def _find(run_id):
    return runs.first(formula=match({"Run ID": run_id}))


def set_status(run_id, status):
    existing = _find(run_id)
    if existing is None:
        log.warning("run %s missing, creating", run_id)
        existing = runs.create({"Run ID": run_id})  # expect: recovery
    runs.update(existing["id"], {"Status": status})  # expect: update


def handler(event, context):  # expect: no-start
    for record in event["Records"]:
        message = json.loads(record["body"])
        set_status(message["run_id"], message["status"])  # expect: creating-wrapper, updating-wrapper
        sqs.delete_message(QueueUrl=os.environ["QUEUE"], ReceiptHandle=record["receiptHandle"])
    return {"statusCode": 200}
