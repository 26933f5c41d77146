import logging

from ..store import RunStore, find_run, start_run, update_run

log = logging.getLogger(__name__)


def record_error(run_id: str, client_id: str, error: Exception) -> None:
    """Keep an error, even of a run that nobody started."""
    try:
        update_run(run_id, client_id, Status="Failed", Error=repr(error))  # expect: updating-wrapper
    except LookupError:
        log.warning("no run %s", run_id)
        start_run(run_id, client_id)  # expect: recovery


class Recorder:
    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._ids: dict[tuple[str, str], str] = {}

    def begin(self, run_id: str, client_id: str) -> None:
        self._ids[run_id, client_id] = self._store.add(**{"Run ID": run_id, "Client ID": client_id})  # expect: creating-wrapper

    def step(self, run_id: str, client_id: str, name: str) -> None:
        record_id = self._ids.get((run_id, client_id))
        if record_id is None:
            found = find_run(run_id, client_id)
            if not found:
                self.begin(run_id, client_id)  # expect: recovery
                return
            record_id = found["id"]
        self._store.patch(record_id, Step=name)  # expect: updating-wrapper

    def end(self, record_id: str) -> None:
        self._store.patch(record_id, Status="Completed")  # expect: updating-wrapper
