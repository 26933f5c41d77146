"""Scores the posts of a client. Writes to the table and to the ledger."""

from before.runs import update_run
from before.scoring import POSTS

from .ledger import updates


def score(day: str, client_id: str) -> None:
    run_id = f"run-{day}-1"
    update_run(run_id, client_id, **{"Posts Scored": POSTS[client_id]})
    updates.update(run_id, client_id, metrics={"Posts Scored": POSTS[client_id]})
