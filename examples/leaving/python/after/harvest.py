"""Harvests the leads of a client."""

from .runs import updates

LEADS = {"acme": 5, "bolt": 2}
"""Stands for the work: how many leads each client has."""


def harvest(run_id: str, client_id: str) -> None:
    updates.update(run_id, client_id, metrics={"Leads": LEADS[client_id]})
