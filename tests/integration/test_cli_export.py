"""`runledger export`: which formats it writes, and what becomes of what is at the path."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from commands import RUNLEDGER, environment, on_a_terminal, runledger

from runledger import connect


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    with connect(f"sqlite:///{path}", observers=()) as ledger:
        ledger.start("r", "a")
    return path


def test_a_name_shows_the_format_in_any_case_and_another_is_refused(store: Path, tmp_path: Path) -> None:
    for name in ("out.CSV", "out.csv.GZ", "out.Json", "out.ndjson"):
        runledger("export", str(tmp_path / name), store=store)
    assert (tmp_path / "out.CSV").read_text().startswith("run_id,client_id,")
    assert (tmp_path / "out.csv.GZ").read_bytes()[:2] == b"\x1f\x8b"
    assert json.loads((tmp_path / "out.Json").read_text())["run_id"] == "r"
    for name in ("out.xlsx", "out.tsv", "out.csv.zip", "out.csv.bz2", "out", ".csv.d"):
        refusal = " ".join(runledger("export", str(tmp_path / name), store=store, code=2).stderr.split())
        assert (
            f"the name '{name}' shows no format: end it in .csv, .jsonl, .ndjson or .json, with or without" in refusal
        )
        assert "give --format" in refusal
        assert not (tmp_path / name).exists()
    runledger("export", "--format", "csv", str(tmp_path / "out.xlsx"), store=store)
    assert (tmp_path / "out.xlsx").read_text().startswith("run_id,client_id,")


def test_the_filters_of_list_choose_what_is_written(store: Path) -> None:
    with connect(store, observers=()) as ledger:
        ledger.start("s", "a")
        ledger.start("t", "b").fail("no disk")

    def written(*options: str) -> list[str]:
        return [json.loads(line)["run_id"] for line in runledger("export", *options, store=store).stdout.splitlines()]

    assert written() == ["t", "s", "r"]
    assert written("--limit", "2") == ["t", "s"]
    assert written("--after", "t", "b") == ["s", "r"]
    assert written("--after", "t", "b", "--limit", "1") == ["s"]
    assert written("--run-id", "r") == ["r"]
    assert written("--client", "a") == ["s", "r"]
    assert written("--status", "failed", "--status", "skipped") == ["t"]
    assert written("--since", "2h", "--until", "1h") == []
    assert written("--since", "1h", "--until", "2100-01-01") == ["t", "s", "r"]
    runledger("export", "--after", "none", "a", store=store, code=3)


def test_another_file_beside_the_target_stays(store: Path, tmp_path: Path) -> None:
    kept, secret = tmp_path / "out.csv.part", tmp_path / "secret"
    kept.write_text("a person's file")
    secret.write_text("another's")
    (tmp_path / "link.csv.part").symlink_to(secret)
    before = set(tmp_path.iterdir())
    for name in ("out.csv", "link.csv"):
        runledger("export", str(tmp_path / name), store=store)
    assert (kept.read_text(), secret.read_text()) == ("a person's file", "another's")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out.csv", tmp_path / "link.csv"}


@pytest.mark.parametrize("name", ["好" * 83 + ".csv", "x" * 251 + ".csv"])
def test_a_name_may_be_as_long_as_a_file_system_lets_it_be(store: Path, tmp_path: Path, name: str) -> None:
    runledger("export", str(tmp_path / name), store=store)
    assert [path.name for path in tmp_path.glob("*.csv")] == [name]


def test_a_new_file_follows_the_umask_and_a_replaced_one_keeps_its_permissions(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    for umask, mode in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(umask)
        try:
            runledger("export", str(file), store=store)
        finally:
            os.umask(before)
        assert stat.S_IMODE(file.stat().st_mode) == mode
        file.unlink()
    for mode in (0o600, 0o640, 0o666):
        file.write_text("old")
        file.chmod(mode)
        runledger("export", str(file), store=store)
        assert stat.S_IMODE(file.stat().st_mode) == mode
        assert file.read_text() != "old"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to another user")
def test_a_replaced_file_stays_its_owners(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    os.chown(file, 65534, 65533)
    runledger("export", str(file), store=store)
    assert (file.stat().st_uid, file.stat().st_gid) == (65534, 65533)
    assert file.read_text() != "old"


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_a_file_is_on_disk_before_it_gets_its_name_and_its_name_soon_after(
    store: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int, int]] = []
    fsync, rename = os.fsync, os.replace

    def note_and_sync(number: int) -> None:
        fsync(number)
        status = os.fstat(number)
        seen.append(("synced", status.st_ino, 0 if stat.S_ISDIR(status.st_mode) else status.st_size))

    def note_and_rename(source: Path, target: Path) -> None:
        rename(source, target)
        seen.append(("renamed", os.stat(target).st_ino, os.stat(target).st_size))

    monkeypatch.setattr(os, "fsync", note_and_sync)
    monkeypatch.setattr(os, "replace", note_and_rename)
    runledger("export", str(tmp_path / name), store=store)
    monkeypatch.undo()
    file = (tmp_path / name).stat()
    whole, folder = (file.st_ino, file.st_size), (tmp_path.stat().st_ino, 0)
    assert [each for each in seen if each[1:] in (whole, folder)] == [
        ("synced", *whole),
        ("renamed", *whole),
        ("synced", *folder),
    ]


def test_an_export_that_fails_leaves_nothing_but_what_was_there(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    before = set(tmp_path.iterdir())
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.updates.update("r", "a", metrics={"text": "x" * 99_999, "more": "x" * 99_999})
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 200; {' '.join(RUNLEDGER)} --store sqlite:///{store} export {file}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (2, 4, False), done.stderr
    assert "cannot be written: File too large." in done.stderr
    assert file.read_text() == "old"
    assert set(tmp_path.iterdir()) == before
    (tmp_path / "folder.csv").mkdir()
    for name, words in (("folder.csv", "Is a directory"), ("no/such.csv", "No such file or directory")):
        assert words in runledger("export", str(tmp_path / name), store=store, code=2).stderr


def test_what_is_exported_goes_where_a_link_leads_and_into_pipes(store: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "folder" / "runs.csv")
    for _ in range(2):
        told = runledger("export", str(tmp_path / "link.csv"), store=store).stdout
        assert told == f"1 run written to {tmp_path}/link.csv\n"
    assert (tmp_path / "link.csv").is_symlink()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["runs.csv"]
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True) as reader:
        runledger("export", "--format", "csv", str(tmp_path / "pipe"), store=store)
        assert reader.stdout is not None
        assert reader.stdout.read() == (tmp_path / "folder" / "runs.csv").read_text(encoding="utf-8")
    assert (tmp_path / "pipe").is_fifo()
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(RUNLEDGER)} export /dev/stdout | cat"],
        env=environment(store),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[0])["run_id"] == "r"
    assert not list(tmp_path.glob("*.part"))


def test_on_a_terminal_json_has_no_character_that_controls_it(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.updates.update("r", "a", metrics={"odd": "\x1b\x9b\u202eö"})
    assert "\\u001b\\u009b\\u202e\\u00f6" in on_a_terminal("export", store=store)
    assert "\\u001b\x9b\u202eö" in runledger("export", store=store).stdout


def test_a_person_who_exports_to_a_file_sees_a_bar(store: Path, tmp_path: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start_many("r", [f"client {i}" for i in range(3000)])
    seen = on_a_terminal("export", str(tmp_path / "runs.csv"), store=store)
    assert "3000/?" in seen
    assert seen.endswith(f"3,001 runs written to {tmp_path}/runs.csv\n")
    assert len((tmp_path / "runs.csv").read_text().splitlines()) == 3002
