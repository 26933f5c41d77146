"""The pytest plugin as an application's test suite sees it, and what docs/testing.md shows of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runledger import RunLedger
from runledger.testing import RunEvents

pytest_plugins = ["pytester"]

GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"


def start_and_finish(ledger: RunLedger, *clients: str) -> None:
    for run in ledger.start_many("r", clients).values():
        run.complete()


def test_a_ledger_is_empty_in_each_test_and_tells_its_events(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_one(run_ledger, run_ledger_events):
            run_ledger.start("r", "acme").complete()
            assert [event.kind.value for event in run_ledger_events] == ["run_started", "run_finished"]

        def test_two(run_ledger, run_ledger_events):
            assert list(run_ledger.find()) == list(run_ledger_events) == []
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_the_columns_come_from_the_ini_file_or_from_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nrunledger_columns =\n    Posts Scored\n    Tokens\n")
    pytester.makepyfile("""
        import pytest
        import runledger

        def test_ini(run_ledger):
            run = run_ledger.start("r", "acme", metrics={"Posts Scored": 1, "Tokens": 2})
            with pytest.raises(runledger.UnknownMetric):
                run.update(metrics={"Post Scored": 1})

        class TestOverridden:
            @pytest.fixture
            def run_ledger_columns(self):
                return ["Other"]

            def test_fixture(self, run_ledger):
                with pytest.raises(runledger.UnknownMetric):
                    run_ledger.start("r", "acme", metrics={"Tokens": 2})
    """)
    pytester.runpytest_subprocess("--strict-config").assert_outcomes(passed=2)


def test_the_plugin_works_without_hypothesis_and_does_not_load_it() -> None:
    program = """
import sys
sys.modules["hypothesis"] = None
import runledger.testing.plugin
heavy = {"hypothesis", "sqlite3", "psycopg", "pyairtable", "click", "requests", "asyncio"}
print({name for name in heavy if sys.modules.get(name)})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # pytest itself may bring some of these: what counts is what the plugin adds to it.
    bare = subprocess.run(
        [sys.executable, "-c", program.replace("runledger.testing.plugin", "pytest")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == bare.stdout


def test_started_once_each(run_ledger: RunLedger, run_ledger_events: RunEvents) -> None:
    start_and_finish(run_ledger, "acme", "bolt")
    run_ledger_events.assert_started_once_each(["acme", "bolt"])
    run_ledger_events.assert_started_once_each(["acme", "bolt"], run_id="r")
    for clients, message in (
        (["acme", "bolt", "cyan"], "'cyan' was never started"),
        (["acme"], "'bolt' was started, and should not be"),
    ):
        with pytest.raises(AssertionError, match=message):
            run_ledger_events.assert_started_once_each(clients)
    with pytest.raises(Exception, match="started before"):
        run_ledger.start("r", "acme")
    with pytest.raises(AssertionError, match="'acme' was to be started 2 times"):
        run_ledger_events.assert_started_once_each(["acme", "bolt"])
    run_ledger.start("r2", "bolt")
    run_ledger_events.assert_started_once_each(["bolt"], run_id="r2")
    with pytest.raises(TypeError, match="the text 'acme'"):
        run_ledger_events.assert_started_once_each("acme")


def test_all_finished(run_ledger: RunLedger, run_ledger_events: RunEvents) -> None:
    run_ledger_events.assert_all_finished()
    start_and_finish(run_ledger, "acme")
    run_ledger_events.assert_all_finished()
    run = run_ledger.start("r", "bolt")
    with pytest.raises(AssertionError, match="run 'r' of client 'bolt' is still Running"):
        run_ledger_events.assert_all_finished()
    run.fail("broken")
    run_ledger_events.assert_all_finished()


def test_none_missing(run_ledger: RunLedger, run_ledger_events: RunEvents) -> None:
    start_and_finish(run_ledger, "acme")
    run_ledger_events.assert_none_missing()
    with pytest.raises(Exception, match="was not started"):
        run_ledger.updates.update("r", "bolt", note="n")
    with pytest.raises(AssertionError, match=r"run 'r' of client 'bolt', at .*test_pytest_plugin.py:\d+ in test_none"):
        run_ledger_events.assert_none_missing()


def test_every_block_of_the_guide_runs(pytester: pytest.Pytester) -> None:
    text = GUIDE.read_text()
    (pytester.path / "pytest.ini").write_text(re.findall(r"```ini\n# pytest.ini\n(.*?)```", text, re.DOTALL)[0])
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL):
        (pytester.path / name).write_text(code)
    assert text.count("```python") == len(list(pytester.path.glob("*.py")))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=100)
    assert result.parseoutcomes().get("failed", 0) == 0
    assert result.ret == 0
