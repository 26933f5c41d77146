"""Tables that are attributes of objects which packages make."""
import threading
from types import SimpleNamespace

from fastapi import FastAPI, Request
from flask import Flask, g
from pyairtable import Api

app = FastAPI()
app.state.runs = Api("key").table("app", "Client Run Results")

site = Flask(__name__)
site.runs = Api("key").table("app", "Client Run Results")

names = SimpleNamespace()
names.clients = Api("key").table("app", "Clients")

local = threading.local()


@app.post("/runs")
def start(fields: dict):
    app.state.runs.create(fields)  # expect: creation


@app.post("/runs/late")
def late(request: Request, fields: dict):
    request.app.state.runs.create(fields)  # expect: creation


@site.before_request
def before():
    g.runs = Api("key").table("app", "Client Run Results")


@site.post("/runs")
def start_on_site(fields):
    site.runs.create(fields)  # expect: creation
    g.runs.create(fields)  # expect: creation


def client(fields):
    names.clients.create(fields)  # expect: creation@Clients
    names.totals.update(fields)


def in_a_thread(fields):
    local.runs = Api("key").table("app", "Client Run Results")
    local.runs.create(fields)  # expect: creation


def handled(event, fields):
    event.runs = Api("key").table("app", "Client Run Results")
    event.runs.create(fields)  # expect: creation
