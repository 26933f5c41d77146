import typer
from pyairtable import Api

app = typer.Typer()
runs = Api("pat").table("app", "Client Run Results")


def patch(record_id: str, **fields: str) -> None:
    runs.update(record_id, fields)  # expect: update


@app.command()
def start(run_id: str) -> None:
    typer.echo(runs.create({"Run ID": run_id})["id"])  # expect: creation


@app.command("finish")  # expect: no-start
def finish(record_id: str, status: str = "Completed") -> None:
    patch(record_id, Status=status)  # expect: updating-wrapper


@app.command()
def whole(run_id: str) -> None:
    record = runs.create({"Run ID": run_id})  # expect: creation
    patch(record["id"], Status="Completed")  # expect: updating-wrapper


if __name__ == "__main__":
    app()
