from typing import Any

from pyairtable import Api

runs = Api("pat").table("appRuns", "Client Run Results")


def _by_key(run_id: str, client_id: str) -> dict[str, Any] | None:
    return runs.first(formula=f"AND({{Run ID}}='{run_id}',{{Client ID}}='{client_id}')")


def update_metrics(run_id: str, client_id: str, metrics: dict[str, Any], *, create_if_missing: bool = False) -> None:
    row = _by_key(run_id, client_id)
    if row is None and create_if_missing:
        runs.create({"Run ID": run_id, "Client ID": client_id, **metrics})  # expect: recovery
        return
    if row is None:
        raise LookupError(f"no run {run_id} of {client_id}")
    runs.update(row["id"], metrics)  # expect: update
