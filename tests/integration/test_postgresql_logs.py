"""What libraries log about PostgreSQL: a command prints its own messages alone."""

import os
import subprocess
from urllib.parse import urlsplit

import pytest
from commands import RUNLEDGER, environment
from postgres_server import admin, fresh_ledger

from runledger import connect

WARNING = """
import logging, sys
from runledger.cli.options import lasting
lasting(sys.argv[1])
logging.getLogger("psycopg.pool").warning("error connecting")
logging.getLogger("runledger").warning("alerts could not be sent")
logging.getLogger("runledger_of_another").warning("a warning")
"""


def test_a_command_that_replaces_a_lost_connection_prints_nothing_about_it() -> None:
    with fresh_ledger() as url:
        with connect(url, observers=()) as ledger:
            ledger.start_many("r", [f"{number:05}" for number in range(3000)])
        with subprocess.Popen(
            [*RUNLEDGER, "export", "-"],
            env=environment(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command:
            assert command.stdout is not None
            os.read(
                command.stdout.fileno(), 1
            )  # the first page of rows is longer than a pipe holds: there are more to ask for
            with admin() as connection:
                lost = connection.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                    [urlsplit(url).path[1:]],
                ).fetchall()
            rows, errors = command.communicate()
    assert (True,) in lost
    assert (rows.count("\n"), errors, command.returncode) == (3000, "", 0)


@pytest.mark.parametrize("store", ["postgresql://nowhere.invalid/runs", "airtable://appAbcDefGhiJklMn/Runs"])
def test_warnings_of_libraries_are_not_printed_and_those_of_the_ledger_are(store: str) -> None:
    done = subprocess.run(
        [*RUNLEDGER[:1], "-c", WARNING, store], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == "alerts could not be sent\n"
