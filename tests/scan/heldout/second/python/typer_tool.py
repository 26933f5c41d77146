import sqlite3
from pathlib import Path

import typer

cli = typer.Typer()


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE IF NOT EXISTS agent_runs (id TEXT PRIMARY KEY, status TEXT)")
    return connection


@cli.command()
def start(run_id: str, path: Path = Path("runs.db")):
    with connect(path) as db:
        try:
            db.execute("INSERT INTO agent_runs VALUES (?, 'running')", [run_id])  # expect: creation
        except sqlite3.IntegrityError:
            raise typer.BadParameter(f"{run_id} exists") from None


@cli.command()  # expect: no-start
def stop(run_id: str, path: Path = Path("runs.db"), force: bool = False):
    with connect(path) as db:
        cursor = db.execute("UPDATE agent_runs SET status = 'done' WHERE id = ?", [run_id])  # expect: update
        if cursor.rowcount == 0 and force:
            db.execute("INSERT INTO agent_runs VALUES (?, 'done')", [run_id])  # expect: recovery


@cli.command()
def dump(path: Path = Path("runs.db")):
    for row in connect(path).execute("SELECT * FROM agent_runs"):
        typer.echo(row)


if __name__ == "__main__":
    cli()
