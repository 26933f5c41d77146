import hmac
import tkinter
from concurrent.futures import ThreadPoolExecutor

import boto3
import networkx
from openai import OpenAI
from prometheus_client import Counter

RUNS = Counter("runs", "Runs started")
client = OpenAI()


class RunTable(tkinter.Frame):
    def create(self, rows):
        for row in rows:
            tkinter.Label(self, text=row).grid()

    def update_rows(self, rows):
        self.update()
        self.create(rows)


def start_run(thread_id):
    RUNS.inc()
    return client.beta.threads.runs.create(thread_id=thread_id, assistant_id="a")


def update_run(thread_id, run_id):
    return client.beta.threads.runs.update(run_id, thread_id=thread_id, metadata={"a": "b"})


def graph(edges):
    made = networkx.Graph()
    made.update(edges=edges)
    hmac.new(b"k").update(b"runs")
    with ThreadPoolExecutor() as pool:
        pool.submit(made.add_edges_from, edges)
    boto3.resource("dynamodb").Table("runs").meta.client.describe_table(TableName="runs")
    return "INSERT INTO client_runs VALUES (1)"
