import click
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def open_run(run_id):
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


def close_run(record_id, status="Completed"):
    runs.update(record_id, {"Status": status})  # expect: update


@click.group()
def cli():
    pass


@cli.command()
@click.argument("run_id")
def score(run_id):
    record = open_run(run_id)  # expect: creating-wrapper
    close_run(record)  # expect: updating-wrapper


@cli.command()  # expect: no-start
@click.argument("record_id")
def cancel(record_id):
    close_run(record_id, "Cancelled")  # expect: updating-wrapper


if __name__ == "__main__":
    cli()
