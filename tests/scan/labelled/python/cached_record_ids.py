from functools import lru_cache

from pyairtable import Api
from pyairtable.formulas import match

_ids: dict[tuple[str, str], str] = {}


@lru_cache(maxsize=1)
def runs_table():
    return Api("pat").table("app", "Client Run Results")


def record_id(run_id: str, client_id: str) -> str:
    key = (run_id, client_id)
    if key not in _ids:
        hit = runs_table().first(formula=match({"Run ID": run_id, "Client ID": client_id}))
        _ids[key] = hit["id"] if hit else runs_table().create({"Run ID": run_id, "Client ID": client_id})["id"]  # expect: recovery
    return _ids[key]


def bump(run_id: str, client_id: str, tokens: int) -> None:
    runs_table().update(record_id(run_id, client_id), {"Tokens": tokens})  # expect: creating-wrapper, update
