import configparser
import csv
import shelve
from collections import Counter, defaultdict

RUNS = "client_run_results"


def update_run(run_id, **fields):
    with shelve.open(RUNS) as table:
        table.setdefault(run_id, {})
        table[run_id] = {**table[run_id], **fields}
        table.update({run_id: fields})


def create_report(path, rows):
    counts, groups = Counter(), defaultdict(set)
    for row in rows:
        counts.update([row["status"]])
        groups[row["client"]].add(row["run"])
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(counts.items())


def create_config(path):
    config = configparser.ConfigParser()
    config.add_section("runs")
    config["runs"].update({"table": "Client Run Results"})
    with open(path, "w") as file:
        config.write(file)
