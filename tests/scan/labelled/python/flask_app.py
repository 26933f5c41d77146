from flask import Flask, abort, jsonify, request
from pyairtable import Api

app = Flask(__name__)
runs = Api("pat").table("app", "Client Run Results")


def _save(record_id, fields):
    return runs.update(record_id, fields)  # expect: update


@app.route("/runs", methods=["POST"])
def create():
    fields = request.get_json()
    return jsonify(runs.create(fields)), 201  # expect: creation


@app.route("/runs/<record_id>/done", methods=["POST"])  # expect: no-start
def done(record_id):
    return jsonify(_save(record_id, {"Status": "Completed"}))  # expect: updating-wrapper


@app.post("/runs/<record_id>/fail")  # expect: no-start
def fail(record_id):
    if "error" not in request.json:
        abort(400)
    _save(record_id, {"Status": "Failed", "Error": request.json["error"]})  # expect: updating-wrapper
    return "", 204


@app.get("/health")
def health():
    return "ok"
