"""Half moved: new jobs use the ledger, the old report still writes to the table."""
import click
import runledger
from pyairtable import Api

ledger = runledger.connect("sqlite:///runs.db")
table = Api("key").table("app", "Client Run Results")


def old_report(run_id, numbers):
    rows = table.all(formula=f"{{Run ID}} = '{run_id}'")
    if len(rows) == 0:
        table.create({"Run ID": run_id, **numbers})  # expect: recovery
    else:
        table.update(rows[0]["id"], numbers)  # expect: update


def new_report(run_id, client, numbers):
    try:
        ledger.updates.update(run_id, client, metrics=numbers)  # expect: update
    except runledger.RunNotFound:
        ledger.start(run_id, client)  # expect: recovery
        ledger.updates.update(run_id, client, metrics=numbers)  # expect: update


def quiet_report(run_id, client, numbers):
    try:
        ledger.updates.update(run_id, client, metrics=numbers)  # expect: update
    except runledger.RunNotFound:
        click.echo(f"{run_id} was never started", err=True)
        raise


@click.group()
def cli():
    pass


@cli.command()
@click.argument("run_id")
def nightly(run_id):
    with ledger.track(run_id, "acme") as run:  # expect: creation
        run.update(metrics={"Posts": 3})  # expect: update
        quiet_report(run_id, "acme", {"Posts": 4})  # expect: updating-wrapper


@cli.command()  # expect: no-start
@click.argument("run_id")
def cancel(run_id):
    ledger.updates.cancel(run_id, "acme", "asked for")  # expect: update
