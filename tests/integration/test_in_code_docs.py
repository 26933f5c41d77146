"""docs/in-code.md and docs/async.md: each block of code runs, and does what the page says."""

import asyncio
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from documents import ROOT, blocks
from postgres_server import fresh_ledger

import runledger
from runledger import RunChange, RunKey, RunLedger, RunRecord, aio
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.aio.reads import PAGE
from runledger.services.creation import RETRY_WAITS
from runledger.services.tracking.heartbeat import LONGEST_WAIT

IN_CODE = [text for _, text in blocks("docs/in-code.md", "python")]
MAIN, FASTAPI, BACKGROUND, OUTAGE, SIGTERM = (text for _, text in blocks("docs/async.md", "python"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_blocks(*texts: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "page"}
    for text in texts:
        exec(compile(text, "page", "exec", dont_inherit=True), names)  # noqa: S102
    return names


def test_the_blocks_about_jobs_run(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    names = run_blocks(*IN_CODE)
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().out == "Completed\n"
    with runledger.connect("sqlite:///runs.db", observers=()) as ledger:
        runs = list(ledger.reads.find_with_logs())
    assert {run.record.status.value for run in runs} == {"Completed"}
    assert {line.text for run in runs for line in run.log} == {"fetching posts", "scoring posts"}
    names["ledger"].close()


def test_the_block_under_sigterm_ends_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    text = IN_CODE[1].replace("run.update(", "os.kill(os.getpid(), signal.SIGTERM) or run.update(")
    with pytest.raises(SystemExit) as raised:
        run_blocks("import os, signal, runledger", text)
    assert raised.value.code == 143
    with runledger.connect("sqlite:///runs.db", observers=()) as ledger:
        [run] = ledger.reads.find_with_logs()
    assert (run.record.status.value, [line.text for line in run.log]) == ("Cancelled", ["SIGTERM"])


def test_the_first_block_about_coroutines_runs(capsys: pytest.CaptureFixture[str]) -> None:
    run_blocks(MAIN)
    assert capsys.readouterr().out == "Completed {'Tokens': 1500}\n"


def test_sigterm_cancels_the_main_task() -> None:
    text = SIGTERM.replace("await run.update(", "os.kill(os.getpid(), signal.SIGTERM); await run.update(")
    names = run_blocks("import asyncio, os\nfrom runledger import aio, new_run_id", text)
    with pytest.raises(SystemExit) as raised:
        names["main"]()
    assert raised.value.code == 143
    with runledger.connect("sqlite:///runs.db", observers=()) as ledger:
        [record] = ledger.find()
    assert record.status.value == "Cancelled"


def test_the_numbers_are_those_of_the_code() -> None:
    in_code, coroutines = ((ROOT / "docs" / page).read_text() for page in ("in-code.md", "async.md"))
    assert f"for {LONGEST_WAIT:.0f} seconds at most" in in_code
    assert PAGE == 100
    assert "reads a hundred items at a time" in coroutines
    assert f"threads={aio.ledger.THREADS})` → `AsyncRunLedger`" in coroutines
    waits = {
        inspect.signature(store).parameters[name].default
        for store, name in ((SQLiteRunRepository, "wait"), (PostgreSQLRunRepository, "timeout"))
    }
    assert waits == {10.0}
    longest = (1 + len(RETRY_WAITS)) * 10 + sum(RETRY_WAITS)
    assert f"and {sum(RETRY_WAITS):.1f} seconds: up to {longest:.1f} | {longest:.1f} seconds" in coroutines


class Slow(InMemoryRunRepository):
    """A store whose updates wait until they may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.goes_on = threading.Semaphore(0), threading.Event()
        self.is_slow = False

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if self.is_slow:
            self.begun.release()
            self.goes_on.wait(20)
        return super().update(key, change, at)

    def without_creation(self) -> "Slow":
        return self


@pytest.fixture
def app() -> Iterator[Any]:
    yield run_blocks(FASTAPI)["app"]
    sys.modules.pop("page", None)


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


def with_lifespan(app: Any, act: Callable[[httpx.AsyncClient], Any]) -> None:
    async def main() -> None:
        async with app.router.lifespan_context(app), client(app) as http:
            await act(http)

    asyncio.run(main())


def test_the_application_updates_tracks_and_answers_an_error_with_its_status_code(app: Any) -> None:
    async def act(http: httpx.AsyncClient) -> None:
        missing = await http.post("/runs/r/acme/tokens?number=5")
        assert (missing.status_code, missing.json()["detail"][:42]) == (
            404,
            "no run record for run 'r' of client 'acme'",
        )
        scored = await http.post("/score/r/acme")
        assert (scored.status_code, scored.json()["metrics"]) == (200, {"Posts Scored": 43})
        again = await http.post("/score/r/acme")
        assert (again.status_code, again.json()["detail"][:41]) == (409, "run 'r' of client 'acme' was started befo")
        respelt = await http.post("/runs/%20r/acme/tokens?number=5")
        assert (respelt.status_code, respelt.json()["detail"][:11]) == (422, "run id ' r'")
        answers = await asyncio.gather(*(http.post("/runs/r/acme/tokens?number=5") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert max(answer.json()["metrics"]["Tokens"] for answer in answers) == 100

    with_lifespan(app, act)
    with runledger.connect("sqlite:///runs.db", observers=()) as ledger:
        [record] = ledger.find()
    assert (record.status.value, dict(record.metrics)) == ("Completed", {"Posts Scored": 43, "Tokens": 100})


def test_a_run_that_a_request_starts_is_finished_in_the_background() -> None:
    names = run_blocks(FASTAPI, BACKGROUND)

    async def act(http: httpx.AsyncClient) -> None:
        assert (await http.post("/jobs/r/acme")).status_code == 202
        assert (await http.post("/jobs/r/acme")).status_code == 409

    with_lifespan(names["app"], act)
    with runledger.connect("sqlite:///runs.db", observers=()) as ledger:
        [record] = ledger.find()
    assert (record.status.value, dict(record.metrics)) == ("Completed", {"Posts Scored": 43})


def test_a_background_task_that_fails_or_is_cancelled_ends_its_run_so() -> None:
    score_posts = run_blocks(FASTAPI, BACKGROUND)["score_posts"]

    class Stopped(InMemoryRunRepository):
        error: BaseException

        def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
            if change.metrics:
                raise self.error
            return super().update(key, change, at)

        def without_creation(self) -> "Stopped":
            return self

    async def end_of(error: BaseException) -> str:
        store = Stopped()
        store.error = error
        async with aio.AsyncRunLedger(RunLedger(store, observers=())) as ledger:
            with pytest.raises(type(error)):
                await score_posts(await ledger.start("r", "acme"))
            return str((await ledger.get("r", "acme")).status.value)

    assert asyncio.run(end_of(ValueError("no posts"))) == "Failed"
    assert asyncio.run(end_of(asyncio.CancelledError())) == "Cancelled"


def test_the_ledger_for_services_closes_its_repository() -> None:
    names = run_blocks("from runledger import aio", OUTAGE)

    async def use(url: str) -> str:
        async with names["service_ledger"](url) as ledger:
            await ledger.start("r", "acme")
            return str((await ledger.get("r", "acme")).status.value)

    with fresh_ledger() as url:
        assert asyncio.run(use(url)) == "Running"


def test_a_request_that_is_cancelled_leaves_no_run_running(app: Any) -> None:
    store = Slow()

    async def main() -> None:
        app.state.ledger = aio.AsyncRunLedger(RunLedger(store, observers=()))
        store.is_slow = True
        async with client(app) as http:
            request = asyncio.create_task(http.post("/score/r/acme"))
            await asyncio.to_thread(store.begun.acquire)
            request.cancel()
            await asyncio.sleep(0)
            store.goes_on.set()
            with pytest.raises(asyncio.CancelledError):
                await request

    asyncio.run(main())
    [record] = RunLedger(store).find()
    assert (record.status.value, dict(record.metrics)) == ("Cancelled", {"Posts Scored": 43})


def test_a_time_limit_of_the_client_cancels_the_run(app: Any) -> None:
    store = Slow()

    async def expire(limit: asyncio.Timeout) -> None:
        await asyncio.to_thread(store.begun.acquire)
        limit.reschedule(0)
        for _ in range(10):
            await asyncio.sleep(0)
        store.goes_on.set()

    async def main() -> None:
        app.state.ledger = aio.AsyncRunLedger(RunLedger(store, observers=()))
        store.is_slow = True
        async with client(app) as http:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    expiring = asyncio.create_task(expire(limit))
                    await http.post("/score/r/acme")
            await expiring

    asyncio.run(main())
    [record] = RunLedger(store).find()
    assert record.status.value == "Cancelled"


def test_no_page_names_a_file_that_is_not_there() -> None:
    for page in ("in-code.md", "async.md"):
        for target in (ROOT / "docs" / page).read_text().split("](")[1:]:
            path = target.partition(")")[0].partition("#")[0]
            assert path.startswith("https://") or os.path.exists(ROOT / "docs" / path), path
