"""The cost of the ledger compared with the bare driver.

Run `.venv/bin/python benchmarks/ledger.py` (`--quick` for smaller growth figures, `--only sqlite,memory` for parts).
Both sides execute the same statements on two stores with the same schema and durability. In part `key` the bare side
has a table with a primary key alone; part `logs` compares long logs with short ones, and part `latest` a loose index
scan with a window function. The calls of both sides alternate in one process, so that a slow moment of the machine
affects both. Figures are medians; compare the ratios, not the times. The bare side gets prepared values and returns raw
rows: it handles no JSON and makes no records.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from alerts import alert_rows
from comparison import Row
from growth import growth_rows
from kept_events import kept_rows
from latest import latest_rows
from logs import postgresql_log_rows, sqlite_log_rows
from memory import memory_rows, trusted_rows
from primary_key import postgresql_key_rows, sqlite_key_rows
from processes import command_rows, process_rows
from sqlite_driver import ledger_rows, sqlite_rows


def postgresql_rows() -> Iterator[Row]:
    from postgresql_driver import postgresql_rows  # here, because other parts need no server and no psycopg

    return postgresql_rows()


def key_rows(folder: Path) -> Iterator[Row]:
    yield from sqlite_key_rows(folder)
    yield from postgresql_key_rows()


def log_rows(folder: Path) -> Iterator[Row]:
    yield from sqlite_log_rows(folder)
    yield from postgresql_log_rows()


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk that the checkout is on, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=Path(__file__).parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure, and print one table in Markdown."""
    parts: Mapping[str, Callable[[Path, int], Iterable[Row]]] = {
        "sqlite": lambda f, _: (row for mode in ("NORMAL", "FULL") for row in sqlite_rows(_sub(f), mode)),
        "ledger": lambda f, _: ledger_rows(_sub(f)),
        "postgresql": lambda _f, _n: postgresql_rows(),
        "key": lambda f, _: key_rows(_sub(f)),
        "logs": lambda f, _: log_rows(_sub(f)),
        "memory": lambda _f, _n: memory_rows(),
        "trusted": lambda _f, _n: trusted_rows(),
        "growth": lambda f, n: growth_rows(_sub(f), n),
        "latest": lambda f, n: latest_rows(_sub(f), n),
        "processes": lambda f, _: process_rows(_sub(f)),
        "commands": lambda f, _: command_rows(_sub(f)),
        "alerts": lambda _f, _n: alert_rows(),
        "kept": lambda _f, _n: kept_rows(),
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 rows instead of 1,000,000 in growth and latest")
    parser.add_argument("--only", default=",".join(parts), help=f"some of {','.join(parts)}")
    chosen = parser.parse_args()
    print("| operation | bare | ours | ratio | target |\n| --- | --- | --- | --- | --- |")
    with scratch() as folder:
        for part in chosen.only.split(","):
            for row in parts[part](folder, 100_000 if chosen.quick else 1_000_000):
                print(f"| {' | '.join(row)} |", flush=True)


_numbers = count()


def _sub(folder: Path) -> Path:
    part = folder / str(next(_numbers))
    part.mkdir()
    return part


if __name__ == "__main__":
    main()
