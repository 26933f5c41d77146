"""A SQLite file that is moved, deleted or replaced under an open ledger: nothing is acknowledged in the wrong file."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runledger import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedger,
    RunNotFound,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
)
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_removal import SQLiteRunRemoval
from runledger.domain import FinishedRuns

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY, OTHER = RunKey("r", "acme"), RunKey("s", "acme")
NOTE = RunChange(note="n")


def new(key: RunKey) -> NewRun:
    return NewRun(RunRecord.start(key, AT))


def of_another_process(path: Path) -> None:
    """Start the run OTHER, as another process that opens the path."""
    script = "import runledger, sys; runledger.connect(sys.argv[1], observers=()).start('s', 'acme')"
    subprocess.run([sys.executable, "-c", script, f"sqlite:///{path}"], check=True)


def moved(path: Path) -> None:
    subprocess.run(["mv", path, f"{path}.old"], check=True)


def deleted(path: Path) -> None:
    subprocess.run(["rm", path, f"{path}-wal", f"{path}-shm"], check=True)


def replaced(path: Path) -> None:
    """By a backup, say."""
    of_another_process(path.with_name("backup.db"))
    path.with_name("backup.db").rename(path)


def deleted_and_made_again(path: Path) -> None:
    deleted(path)
    of_another_process(path)


def in_a_renamed_folder(path: Path) -> None:
    path.parent.rename(f"{path.parent}.old")


def in_a_replaced_folder(path: Path) -> None:
    in_a_renamed_folder(path)
    path.parent.mkdir()
    of_another_process(path)


def linked_elsewhere(path: Path) -> None:
    of_another_process(path.with_name("next.db"))
    path.with_name("link").symlink_to("next.db")
    path.with_name("link").rename(path)


def log_deleted(path: Path) -> None:
    os.remove(f"{path}-wal")


def log_replaced(path: Path) -> None:
    os.remove(f"{path}-wal")
    Path(f"{path}-wal").touch()


def index_deleted(path: Path) -> None:
    os.remove(f"{path}-shm")


FILE_GONE: dict[Callable[[Path], None], str] = {
    moved: "moved or deleted",
    deleted: "moved or deleted",
    replaced: "replaced by another file",
    deleted_and_made_again: "replaced by another file",
    in_a_renamed_folder: "moved or deleted",
    in_a_replaced_folder: "replaced by another file",
    linked_elsewhere: "replaced by another file",
}
LOG_GONE: dict[Callable[[Path], None], str] = {
    log_deleted: "-wal was deleted",
    log_replaced: "-wal was deleted",
    index_deleted: "-shm was deleted",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "ledger").mkdir()
    return tmp_path / "ledger" / "runs.db"


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRunRepository]:
    with closing(SQLiteRunRepository(path)) as repository:
        repository.create(new(KEY))
        yield repository


def writes(repository: SQLiteRunRepository) -> list[Callable[[], object]]:
    return [
        lambda: repository.create(new(OTHER)),
        lambda: repository.create_many([new(OTHER), new(RunKey("t", "acme"))]),
        lambda: repository.create(new(KEY)),
        lambda: repository.update(KEY, NOTE, AT),
        lambda: repository.update_many([(KEY, NOTE)], AT),
        lambda: repository.update(OTHER, NOTE, AT),
        lambda: repository.update(KEY, RunChange(add={"n": 1}), AT),
    ]


def reads(repository: SQLiteRunRepository) -> list[Callable[[], object]]:
    return [
        lambda: repository.get(KEY),
        lambda: repository.get(OTHER),
        lambda: list(repository.log(KEY)),
        lambda: list(repository.find(RunQuery())),
        lambda: list(repository.find_with_logs(RunQuery())),
        lambda: repository.summary(RunQuery()),
    ]


def refused(calls: list[Callable[[], object]], words: str) -> None:
    for call in calls:
        with pytest.raises(StoreUnusable, match=f"{words}.*nothing more was written") as refusal:
            call()
        assert "open it again" in str(refusal.value)


def refused_soon(calls: list[Callable[[], object]], words: str) -> None:
    """The calls go on for at most a second."""
    for call in calls:
        with pytest.raises(StoreUnusable, match=words):
            while True:
                with suppress(RunNotFound):
                    call()


def files(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent)) if path.parent.is_dir() else []


@pytest.mark.parametrize("lose", FILE_GONE, ids=lambda lose: lose.__name__)
def test_nothing_is_acknowledged_in_a_file_that_is_no_longer_at_its_path(
    path: Path, repository: SQLiteRunRepository, lose: Callable[[Path], None]
) -> None:
    repository.get(KEY)
    lose(path)
    left = files(path)
    refused(writes(repository), FILE_GONE[lose])
    refused_soon(reads(repository), FILE_GONE[lose])
    repository.close()
    assert set(files(path)) <= set(left)  # and nothing was made at the path
    if path.exists():
        for beside in ("-wal", "-shm"):  # as the error says
            Path(f"{path}{beside}").unlink(missing_ok=True)
        with closing(SQLiteRunRepository(path)) as there:
            assert [record.key for record in there.find(RunQuery())] == [OTHER]


@pytest.mark.parametrize("lose", LOG_GONE, ids=lambda lose: lose.__name__)
def test_nothing_is_acknowledged_without_the_log_beside_the_file(
    path: Path, repository: SQLiteRunRepository, lose: Callable[[Path], None]
) -> None:
    lose(path)
    refused(writes(repository), LOG_GONE[lose])
    repository.close()  # which saves what was acknowledged before
    with closing(SQLiteRunRepository(path)) as again:
        assert list(again.find(RunQuery())) == [new(KEY).record]


def test_a_reader_that_was_not_open_yet_opens_no_other_file(path: Path, repository: SQLiteRunRepository) -> None:
    replaced(path)  # so far there was no read
    refused(reads(repository), "replaced")


class LosesAnAnswer(SQLiteRunRepository):
    """A file whose first answer to a start is lost."""

    is_lost = False

    def create(self, new: NewRun) -> RunKey:
        key = super().create(new)
        if not self.is_lost:
            self.is_lost = True
            raise StoreUnavailable("the disk gave an error", Outcome.UNKNOWN, key)
        return key


@pytest.mark.parametrize("vanish", [moved, replaced, log_deleted])
def test_a_start_whose_answer_was_lost_before_the_file_vanished_is_of_unknown_outcome(
    path: Path, vanish: Callable[[Path], None]
) -> None:
    with closing(LosesAnAnswer(path)) as store:
        ledger = RunLedger(store, observers=(), sleep=lambda _: vanish(path))
        with pytest.raises(StoreUnavailable) as refusal:
            ledger.start("r", "acme")
    assert (refusal.value.outcome, refusal.value.key) == (Outcome.UNKNOWN, KEY)
    said = str(refusal.value)
    assert "an attempt to start it had no answer, and the next one failed: " in said
    assert "nothing more was written" in said
    assert said.endswith("Whether the change was applied is unknown; read the record before sending it again.")


def test_a_file_that_is_put_back_serves_again(path: Path, repository: SQLiteRunRepository) -> None:
    moved(path)
    refused(writes(repository), "moved or deleted")
    refused_soon(reads(repository), "moved or deleted")
    path.with_name("runs.db.old").rename(path)
    assert repository.update(KEY, NOTE, AT).notes == 1
    with closing(SQLiteRunRepository(path)) as other:
        assert other.get(KEY).notes == 1
        with pytest.raises(RunAlreadyExists):
            other.create(new(KEY))
        with pytest.raises(RunNotFound):
            other.get(OTHER)


class Moving(list[Any]):
    """A list that moves the file when it is read to its end, within the transaction that writes it."""

    def __init__(self, path: Path, items: list[Any]) -> None:
        super().__init__(items)
        self._path = path

    def __getitem__(self, at: Any) -> Any:
        if self._path.exists():
            moved(self._path)
        return super().__getitem__(at)

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        if self._path.exists():
            moved(self._path)


def test_a_file_that_is_moved_during_a_bulk_call_keeps_nothing_of_it(
    path: Path, repository: SQLiteRunRepository
) -> None:
    for call in (
        lambda: repository.create_many(Moving(path, [new(OTHER)])),
        lambda: repository.update_many(Moving(path, [(KEY, NOTE)]), AT),
    ):
        with pytest.raises(StoreUnusable, match="moved or deleted"):
            call()
        path.with_name("runs.db.old").rename(path)
    assert list(repository.find(RunQuery())) == [new(KEY).record]


def test_a_removal_removes_nothing_from_a_file_that_is_no_longer_at_its_path(
    path: Path, repository: SQLiteRunRepository
) -> None:
    finished = FinishedRuns(before=datetime(2030, 1, 1, tzinfo=UTC))
    with closing(SQLiteRunRemoval(path)) as removal:
        replaced(path)
        with pytest.raises(StoreUnusable, match="replaced"):
            list(removal.remove_runs(finished))


def test_after_a_fork_it_has_to_be_the_same_file(path: Path) -> None:
    script = """
import os, sys, runledger
ledger = runledger.connect(sys.argv[1], observers=())
ledger.start("r", "acme")
path = sys.argv[1].removeprefix("sqlite:///")
for replaces in (False, True):
    if pid := os.fork():
        assert os.waitpid(pid, 0)[1] == 0
        try:
            print(ledger.updates.update("r", "acme", note="parent").notes)
        except runledger.StoreUnusable as error:
            print(error)
    else:
        ledger.updates.update("r", "acme", note="child")
        if replaces:
            os.rename(path, path + ".old")
        os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"], capture_output=True, text=True, check=False
    )
    first, second = done.stdout.splitlines()
    assert (first, done.stderr) == ("2", "")
    assert second.startswith(f"{path} was moved or deleted while it was open")
