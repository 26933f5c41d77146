"""Every command line that the documents and the help show can be parsed: the command and its options are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from documents import ROOT

from runledger.cli.group import cli

CONTEXT = click.Context(cli)
COMMANDS = {name: cli.get_command(CONTEXT, name) for name in cli.list_commands(CONTEXT)}
PAGES = {
    str(page.relative_to(ROOT)): page.read_text() for folder in (ROOT, ROOT / "docs") for page in folder.glob("*.md")
}
HELP = {f"{name} --help": str(command and command.help) for name, command in COMMANDS.items()} | {
    "--help": str(cli.epilog)
}
OPERATORS = set("();|&")


def whole(text: str) -> Iterator[list[str]]:
    """The words after `runledger` in each line of shell or console."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="".join(OPERATORS))
        words.whitespace_split = True
        command: list[str] = []
        with suppress(ValueError):  # prose or output, with an apostrophe
            for word in [*words, ";"]:
                if not set(word) <= OPERATORS:
                    command.append(word)
                    continue
                if command and command[0].endswith("runledger"):
                    yield command[1:]
                command = []


def mentioned(text: str) -> Iterator[list[str]]:
    """The words after `runledger` in prose, where what a command must have may be left out."""
    for words in re.findall(r"`runledger ([^`\n]+)`", text):
        yield shlex.split(words)


def parse(words: list[str], folder: Path) -> None:
    """Raise click's UsageError if there is no such command, or if it does not take this."""
    for word in words:
        if word.endswith((".csv", ".gz")):
            (folder / word).touch()
        elif "/" in word and ":" not in word and not word.startswith(("-", "/")):
            (folder / word).mkdir(parents=True, exist_ok=True)
    name, command, rest = cli.resolve_command(CONTEXT, words)
    assert command is not None
    with suppress(click.exceptions.Exit), command.make_context(name, rest, CONTEXT):  # --help ends it
        pass


@pytest.mark.parametrize("source", sorted(PAGES | HELP))
def test_every_command_that_is_shown_is_one(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (PAGES | HELP)[source]
    blocks = "".join(re.findall(r"^```(?:sh|console)\n(.*?)^```$", text, re.M | re.S)) if source in PAGES else text
    for words in whole(blocks):
        parse(words, tmp_path)
    for words in mentioned(text):
        with suppress(click.MissingParameter):
            parse(words, tmp_path)


def test_enough_is_found_to_be_tried() -> None:
    shown = [words for text in (PAGES | HELP).values() for words in (*whole(text), *mentioned(text))]
    assert len(shown) > 60
    assert {words[0] for words in shown if words} >= set(COMMANDS) - {"completion"}


@pytest.mark.parametrize(
    "line", ["runledger lists", "runledger list --last", "X=1; runledger show a b c", "runledger start"]
)
def test_what_is_no_command_is_told(line: str, tmp_path: Path) -> None:
    [words] = whole(line)
    with pytest.raises(click.UsageError):
        parse(words, tmp_path)
