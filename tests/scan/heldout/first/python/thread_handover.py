import threading
from functools import partial

from flask import Flask, request
from pyairtable import Api

app = Flask(__name__)
runs = Api("pat").table("app", "Client Run Results")


def process(record_id, payload):
    payload["total"] = sum(payload["values"])
    runs.update(record_id, {"Total": payload["total"]})  # expect: update


class Worker(threading.Thread):
    def __init__(self, record_id):
        super().__init__(daemon=True)
        self.record_id = record_id

    def run(self):
        runs.update(self.record_id, {"Status": "Completed"})  # expect: update


@app.route("/work", methods=["POST"])
def work():
    record = runs.create({"Run ID": request.json["id"]})  # expect: creation
    threading.Thread(target=process, args=(record["id"], request.json)).start()  # expect: updating-wrapper
    return {"id": record["id"]}, 202


@app.route("/again/<record_id>", methods=["POST"])  # expect: no-start
def again(record_id):
    threading.Timer(5, partial(process, record_id, request.json)).start()  # expect: updating-wrapper
    return "", 202


@app.route("/finish/<record_id>", methods=["POST"])  # expect: no-start
def finish(record_id):
    Worker(record_id).start()  # expect: updating-wrapper
    return "", 202
