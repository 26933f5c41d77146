from runledger import LedgerUpdates, RunNotFound


class PostScorer:
    def __init__(self, updates: LedgerUpdates) -> None:
        self._updates = updates
        self._done: set[str] = set()

    def score(self, run_id: str, client_id: str) -> None:
        self._updates.update(run_id, client_id, add={"Posts Scored": 1})  # expect: update
        self._done.add(client_id)

    def finish(self, run_id: str, client_id: str) -> None:
        try:
            self._updates.complete(run_id, client_id)  # expect: update
        except RunNotFound:
            raise SystemExit(f"start {run_id} first") from None
