"""Harvests the leads of a client. Writes to the table and to the ledger."""

from before.harvest import LEADS
from before.runs import update_run

from .ledger import updates


def harvest(day: str, client_id: str) -> None:
    run_id = f"{day}-1"
    update_run(run_id, client_id, Leads=LEADS[client_id])
    updates.update(run_id, client_id, metrics={"Leads": LEADS[client_id]})
