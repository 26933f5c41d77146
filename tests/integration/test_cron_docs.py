"""The lines of docs/cron.md, taken as each scheduler takes them, run a job as a run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import yaml
from attrs import frozen
from commands import RUNLEDGER
from documents import blocks
from postgres_cluster import cluster_in_a_folder

from runledger import RunRecord, connect

CRONTAB = "".join(text for _, text in blocks("docs/cron.md", "crontab"))
SERVICE, TIMER = (text for _, text in blocks("docs/cron.md", "ini"))
[(_, DOCKERFILE)] = blocks("docs/cron.md", "dockerfile")
[(_, MANIFEST)] = blocks("docs/cron.md", "yaml")
PATH = "/usr/local/bin:/usr/bin:/bin"
SECRETS, DOCKER, WITHOUT, *GO_ON = (text for _, text in blocks("docs/cron.md", "sh"))


@frozen
class Machine:
    """Where the jobs run: the folders that the page names are in another folder here."""

    root: Path

    def here(self, text: str) -> str:
        """A text of the page with the folders of this machine."""
        return re.sub(r"(?<![\w/])/(srv|etc|usr/local|var/lib)\b", rf"{self.root}/\1", text).replace(
            "sqlite:////var/lib", f"sqlite:///{self.root}/var/lib"
        )

    @property
    def store(self) -> Path:
        return self.root / "var/lib/runledger/runs.db"

    def run(self, command: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a session, a folder and an environment of its own, as schedulers do."""
        done = subprocess.run(
            command, cwd="/", env=dict(variables), capture_output=True, text=True, check=False, start_new_session=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done

    def runs(self) -> list[RunRecord]:
        with connect(self.store, observers=()) as ledger:
            return list(ledger.find())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("srv/jobs", "etc", "usr/local/bin", "var/lib/runledger"):
        (tmp_path / name).mkdir(parents=True)
    script(tmp_path / "usr/local/bin/runledger", f'exec {shlex.join(RUNLEDGER)} "$@"')
    script(tmp_path / "srv/jobs/backup.sh", "runledger update --add Files=43")
    script(tmp_path / "srv/jobs/report.sh", "runledger update --note $AIRTABLE_API_KEY")
    (tmp_path / "etc/runledger.env").write_text(SECRETS.replace("…", "for-the-command"))
    return Machine(tmp_path)


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_lines_for_cron(machine: Machine) -> None:
    lines = [line for line in machine.here(CRONTAB).splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    jobs = [line.split(maxsplit=6)[6] for line in lines if not re.match(r"\w+=", line)]
    assert len(jobs) == 2
    for job in jobs:
        of_cron = {"HOME": str(machine.root), "LOGNAME": "deploy", "SHELL": "/bin/sh"}
        assert machine.run(["/bin/sh", "-c", job], of_cron | variables).stdout == ""
    assert {run.key.client_id: (run.status.value, run.metrics, run.notes) for run in machine.runs()} == {
        "backup": ("Completed", {"Files": 43}, 1),
        "report": ("Completed", {}, 2),
    }


def test_the_units_for_systemd(machine: Machine) -> None:
    [start] = re.findall(r"^ExecStart=(.*)$", machine.here(SERVICE), re.MULTILINE)
    [store] = re.findall(r"^Environment=(RUNLEDGER_STORE)=(.*)$", machine.here(SERVICE), re.MULTILINE)
    machine.run(shlex.split(start), {"PATH": machine.here(PATH), store[0]: store[1]})
    [run] = machine.runs()
    assert (run.key.client_id, run.status.value, run.metrics) == ("backup", "Completed", {"Files": 43})
    assert "KillMode=mixed\n" in SERVICE


@pytest.mark.parametrize("script", [*GO_ON, GO_ON[0].replace(" || true", "")], ids=["or true", "ask first", "neither"])
def test_a_script_that_goes_on_without_a_record(machine: Machine, script: str) -> None:
    (machine.root / "srv/files").mkdir()
    job = machine.root / "srv/jobs/job.sh"
    job.write_text(machine.here(script))
    job.chmod(0o755)
    goes_on = script in GO_ON
    variables = {"PATH": machine.here(PATH), "RUNLEDGER_STORE": f"sqlite:///{machine.root}/missing/runs.db"}
    done = subprocess.run(
        ["runledger", "exec", "--client", "backup", "--run-anyway", "--", str(job)],
        env=variables,
        executable=str(machine.root / "usr/local/bin/runledger"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (machine.root / "srv/backup.tar").exists()) == ((0, True) if goes_on else (2, False))
    assert ("name the run as RUN_ID CLIENT_ID" in done.stderr) == (script != GO_ON[1])
    if goes_on:
        machine.run(
            [str(machine.root / "usr/local/bin/runledger"), "exec", "--client", "backup", "--", str(job)],
            variables | {"RUNLEDGER_STORE": f"sqlite:///{machine.store}"},
        )
        assert [run.notes for run in machine.runs()] == [2]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed (apt install systemd)")
def test_systemd_finds_no_fault_in_the_units(machine: Machine) -> None:
    for text in (SERVICE, TIMER):
        [name] = re.findall(r"^# /etc/systemd/system/(.*)$", text, re.MULTILINE)
        (machine.root / name).write_text(machine.here(text).replace("deploy", "root"))
    units = [str(machine.root / name) for name in ("backup.service", "backup.timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "backup" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_the_commands_of_the_containers(machine: Machine) -> None:
    arrays = [json.loads(re.findall(rf"^{word} (.*)$", DOCKERFILE, re.MULTILINE)[0]) for word in ("ENTRYPOINT", "CMD")]
    manifest = yaml.safe_load(MANIFEST)
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (manifest["kind"], pod["restartPolicy"]) == ("CronJob", "Never")
    assert {each["name"] for each in pod["volumes"]} == {each["name"] for each in container["volumeMounts"]}
    variables = {"PATH": machine.here(PATH), "RUNLEDGER_STORE": f"sqlite:///{machine.store}"}
    for command in ([*arrays[0], *arrays[1]], container["command"]):
        machine.run(json.loads(machine.here(json.dumps(command))), variables)
    assert [(run.key.client_id, run.metrics) for run in machine.runs()] == [("backup", {"Files": 43})] * 2
    [store] = [each["value"] for each in container["env"] if each["name"] == "RUNLEDGER_STORE"]
    assert store in DOCKER


def test_a_command_that_needs_no_store_sees_none(machine: Machine) -> None:
    script(machine.root / "srv/jobs/backup.sh", "env")
    secrets = {"AIRTABLE_API_KEY": "a-secret", "PGPASSWORD": "a-secret"}
    seen = machine.run(
        ["sh", "-c", machine.here(WITHOUT)],
        {"PATH": machine.here(PATH), "RUNLEDGER_STORE": f"sqlite:///{machine.store}", **secrets},
    ).stdout
    assert "a-secret" not in seen
    assert "RUNLEDGER_STORE" not in seen
    assert "RUNLEDGER_CLIENT_ID=backup" in seen


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """A database whose role needs a password: its URL without it, and a password file and a service file for it."""
    with cluster_in_a_folder() as cluster:
        cluster.make_primary()
        admin = cluster.url("a")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE ROLE runledger LOGIN SUPERUSER PASSWORD 'a-secret'")
        rules = cluster.folder / "a/pg_hba.conf"
        rules.write_text("host all runledger all scram-sha-256\n" + rules.read_text())
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        port = cluster.ports["a"]
        passwords, services = tmp_path / "pgpass", tmp_path / "services"
        passwords.write_text(f"127.0.0.1:{port}:postgres:runledger:a-secret\n")
        passwords.chmod(0o600)
        services.write_text(
            f"[jobs]\nhost=127.0.0.1\nport={port}\ndbname=postgres\nuser=runledger\npassword=a-secret\n"
        )
        yield admin.replace("postgres@", "runledger@"), passwords, services


def test_a_password_file_or_a_service_file_keeps_the_password_out_of_the_commands_environment(
    machine: Machine, guarded: tuple[str, Path, Path]
) -> None:
    url, passwords, services = guarded
    script(machine.root / "srv/jobs/backup.sh", "env; runledger update --add Files=43")
    ways = [
        {"RUNLEDGER_STORE": url, "PGPASSFILE": str(passwords)},
        {"RUNLEDGER_STORE": "postgresql:///?service=jobs", "PGSERVICEFILE": str(services)},
    ]
    runledger = str(machine.root / "usr/local/bin/runledger")
    machine.run([runledger, "init"], {"PATH": machine.here(PATH), **ways[0]})
    for way in ways:
        seen = machine.run(
            [runledger, "exec", "--client", "backup", "--", str(machine.root / "srv/jobs/backup.sh")],
            {"PATH": machine.here(PATH), "HOME": os.devnull, **way},
        ).stdout
        assert "a-secret" not in seen
        assert f"RUNLEDGER_STORE={way['RUNLEDGER_STORE']}\n" in seen
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url, passfile=os.devnull)
    with psycopg.connect(url, passfile=str(passwords)) as connection:
        assert connection.execute("SELECT status, metrics::text FROM runs").fetchall() == [
            ("Completed", '{"Files": 43}')
        ] * len(ways)
