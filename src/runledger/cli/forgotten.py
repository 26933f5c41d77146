"""Options whose value was forgotten, so that the next option, or `--`, would be taken for it."""

from __future__ import annotations

from collections.abc import Sequence

import click


def refuse_forgotten_values(command: click.Command, arguments: Sequence[str]) -> None:
    """Raise UsageError if an option of `command` is followed by another option, or by `--`, instead of its value.

    An id may not begin with a dash there at all. With `--option=value`, every value is accepted.
    """
    options = {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}
    known = {*options, *command.context_settings.get("help_option_names", ("-h", "--help"))}
    interspersed = command.context_settings.get("allow_interspersed_args", True)
    position = 0
    while position < len(arguments) and (name := arguments[position]) != "--":
        position += 1
        option = options.get(name)
        if option is None or option.is_flag or option.count:
            if not name.startswith("-") and not interspersed:
                return
            continue
        for value in arguments[position : position + option.nargs]:
            is_id = "ID" in (option.metavar or "")
            if value == "--" or value in known or (is_id and value.startswith("-")):
                raise click.UsageError(
                    f"{name} needs a value, but {value!r} follows: give it; if that is the value, write {name}={value}."
                )
        position += option.nargs
