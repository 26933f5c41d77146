"""Look-ups before a start that do not make it a recovery."""
import logging

from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")
log = logging.getLogger(__name__)


def start_numbered(client):
    previous = runs.first(formula=f"{{Client ID}}='{client}'", sort=["-No"])
    number = 1 if previous is None else previous["fields"]["No"] + 1
    return runs.create({"Client ID": client, "No": number})  # expect: creation


def register(client, number):
    existing = runs.first(formula=f"AND({{Client ID}}='{client}',{{No}}={number})")
    if not existing:
        return runs.create({"Client ID": client, "No": number})  # expect: creation
    raise ValueError(f"{client} {number} exists")


def start_batch(rows, dry_run=False):
    if not rows:
        return []
    if dry_run:
        log.info("%d rows", len(rows))
        return []
    return runs.batch_create(rows)  # expect: creation
