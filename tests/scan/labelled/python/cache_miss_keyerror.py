from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")
_ids: dict[str, str] = {}
_names: dict[str, str] = {}


def open_run(run_id: str) -> str:
    _ids[run_id] = runs.create({"Run ID": run_id})["id"]  # expect: creation
    return _ids[run_id]


def write_tokens(run_id: str, tokens: int) -> None:
    try:
        record_id = _ids[run_id]
    except KeyError:
        record_id = open_run(run_id)  # expect: recovery
    runs.update(record_id, {"Tokens": tokens})  # expect: update


def name_of(client: str) -> str:
    try:
        return _names[client]
    except KeyError:
        _names[client] = client.title()
        return _names[client]


def open_named(run_id: str, client: str) -> str:
    return runs.create({"Run ID": run_id, "Client": name_of(client)})["id"]  # expect: creation
