"""runledger compared with other tools that record runs: MLflow, DBOS and eventsourcing, all on SQLite.

Run `.venv/bin/python benchmarks/compare.py`. Each tool gets a separate virtual environment in benchmarks/envs, made
on first use. Each starts, updates, finishes and gets a run, and lists the newest 50, by its nearest operations, on
a new file at its default durability. Rounds of the tools alternate. The table has medians, and ratios to runledger.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ACTS = ("start", "update", "finish", "get", "list 50")
ROUNDS = 3
ENVIRONMENTS = Path(__file__).parent / "envs"

COMMON = """
import json, logging, os, statistics, sys, time
folder, times = sys.argv[1], 100
logging.disable(logging.CRITICAL)
def measure(**acts):
    told = {}
    for name, act in acts.items():
        seen = []
        for i in range(times):
            begin = time.perf_counter()
            act(i)
            seen.append(time.perf_counter() - begin)
        told[name.replace("_", " ")] = statistics.median(seen)
    print("RESULT" + json.dumps(told), flush=True)
"""

RUNLEDGER = """
import runledger
ledger = runledger.connect(f"sqlite:///{folder}/runs.db", observers=())
runs = []
measure(
    start=lambda i: runs.append(ledger.start(f"run {i}", "acme")),
    update=lambda i: runs[i].update(metrics={"Tokens": i}),
    finish=lambda i: runs[i].complete(),
    get=lambda i: ledger.get(f"run {i}", "acme"),
    list_50=lambda i: list(ledger.find(limit=50)),
)
"""

MLFLOW = """
from mlflow.tracking import MlflowClient
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
experiment = client.create_experiment("acme", artifact_location=folder)
runs = []
measure(
    start=lambda i: runs.append(client.create_run(experiment, run_name=f"run {i}").info.run_id),
    update=lambda i: client.log_metric(runs[i], "Tokens", i),
    finish=lambda i: client.set_terminated(runs[i]),
    get=lambda i: client.get_run(runs[i]),
    list_50=lambda i: client.search_runs([experiment], max_results=50),
)
"""

DBOS = """
from dbos import DBOS, SetWorkflowID
DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.db", "run_admin_server": False})
@DBOS.workflow()
def job(i):
    begin = time.perf_counter()
    DBOS.set_event("Tokens", i)
    inside.append(time.perf_counter() - begin)
    return i
inside, whole = [], []
DBOS.launch()
for i in range(times):
    with SetWorkflowID(f"run {i}"):
        begin = time.perf_counter()
        job(i)
        whole.append(time.perf_counter() - begin)
told = {"update": statistics.median(inside)}
told["start"] = told["finish"] = (statistics.median(whole) - told["update"]) / 2
for name, act in {
    "get": lambda i: DBOS.get_workflow_status(f"run {i}"),
    "list 50": lambda i: DBOS.list_workflows(limit=50, sort_desc=True),
}.items():
    seen = []
    for i in range(times):
        begin = time.perf_counter()
        act(i)
        seen.append(time.perf_counter() - begin)
    told[name] = statistics.median(seen)
print("RESULT" + json.dumps(told), flush=True)
DBOS.destroy()
"""

EVENTSOURCING = """
os.environ.update(PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=f"{folder}/events.db")
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
class Run(Aggregate):
    @event("Started")
    def __init__(self, run_id, client_id):
        self.run_id, self.client_id, self.metrics, self.status = run_id, client_id, {}, "Running"
    @event("Updated")
    def update(self, tokens):
        self.metrics = {**self.metrics, "Tokens": tokens}
    @event("Finished")
    def finish(self):
        self.status = "Completed"
app, runs = Application(), []
def start(i):
    run = Run(f"run {i}", "acme")
    app.save(run)
    runs.append(run)
def update(i):
    runs[i].update(i)
    app.save(runs[i])
def finish(i):
    runs[i].finish()
    app.save(runs[i])
measure(
    start=start,
    update=update,
    finish=finish,
    get=lambda i: app.repository.get(runs[i].id),
    list_50=lambda i: [app.repository.get(run.id) for run in runs[-50:]],
)
"""

TOOLS = {
    "runledger": (str(Path(__file__).parent.parent), RUNLEDGER),
    "MLflow": ("mlflow>=3,<4", MLFLOW),
    "DBOS": ("dbos>=2,<3", DBOS),
    "eventsourcing": ("eventsourcing>=9.4,<10", EVENTSOURCING),
}


def python_of(tool: str, requirements: list[str]) -> Path:
    """The interpreter of a tool's environment, which is made if it is not there."""
    folder = ENVIRONMENTS / tool
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        pip = [sys._base_executable, "-m", "pip", "--python", str(python), "install", "--quiet"]  # type: ignore[attr-defined]
        subprocess.run([*pip, *requirements], check=True)
        (folder / "made").touch()
    return python


def one_round(python: Path, script: str) -> dict[str, float]:
    """Seconds per operation, measured in a separate process on a new file."""
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as folder:
        done = subprocess.run(
            [python, "-c", COMMON + script, folder], capture_output=True, text=True, check=False, timeout=300
        )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            told: dict[str, float] = json.loads(line.removeprefix("RESULT"))
            return told
    raise SystemExit(done.stdout + done.stderr)


def main() -> None:
    """Measure, and print one table in Markdown."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    pythons = {tool: python_of(tool, requirements.split()) for tool, (requirements, _) in TOOLS.items()}
    rounds = [{tool: one_round(pythons[tool], TOOLS[tool][1]) for tool in TOOLS} for _ in range(ROUNDS)]
    print(f"| operation | {' | '.join(TOOLS)} |\n|{' --- |' * (len(TOOLS) + 1)}")
    for act in ACTS:
        seconds = {tool: median(taken[tool][act] for taken in rounds) for tool in TOOLS}
        cells = [f"{s * 1e3:.2f} ms ({s / seconds['runledger']:.1f})" for s in seconds.values()]
        print(f"| {act} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
