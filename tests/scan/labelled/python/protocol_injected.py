from typing import Protocol

from pyairtable import Api


class Writer(Protocol):
    def begin(self, run_id: str) -> str: ...
    def end(self, record_id: str) -> None: ...


class AirtableWriter:
    def __init__(self) -> None:
        self._table = Api("pat").table("app", "Client Run Results")

    def begin(self, run_id: str) -> str:
        return self._table.create({"Run ID": run_id})["id"]  # expect: creation

    def end(self, record_id: str) -> None:
        self._table.update(record_id, {"Status": "Completed"})  # expect: update


def score(writer: Writer, run_id: str) -> None:
    record_id = writer.begin(run_id)  # expect: creating-wrapper
    writer.end(record_id)  # expect: updating-wrapper


def main() -> None:
    score(AirtableWriter(), "r1")


if __name__ == "__main__":
    main()
