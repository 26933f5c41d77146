"""How texts are put together: the methods of texts, templates that are filled in, lists that are joined."""

from __future__ import annotations

from .members import Members
from .values import Arguments, List, String, Values, exact, text, texts

TEXT_METHODS = frozenset(
    "strip trim lower upper toLowerCase toUpperCase toString encode rstrip lstrip trimEnd format_map"
    " as_string valueOf get_secret_value".split()
)


class Texts(Members):
    """Puts texts together."""

    def text_method(self, owner: String, name: str, arguments: Arguments) -> Values:
        if name == "format":
            return self.filled((owner,), (), arguments)
        if name == "concat":
            return self.combined(((owner,), *arguments.positional))
        if name in ("replace", "replaceAll"):
            known = [exact(next(iter(arguments.get(index)), None)) for index in (0, 1)]
            return (
                (text(owner.exact.replace(known[0], known[1])),) if owner.exact and known[0] and known[1] else (owner,)
            )
        if name == "join":
            lists = [listed for listed in arguments.get(0) if isinstance(listed, List)]
            return self.merged(*(self.joined((owner,), listed) for listed in lists))
        return (owner,) if name in TEXT_METHODS else ()

    def joined(self, separators: Values, listed: List) -> Values:
        items = [self.values(item, listed.scope) for item in listed.node.items]
        items += [self.of_origin(added) for added in self.program.appended.get(listed.node, ())]
        parts: list[Values] = []
        for item in items:
            parts += [separators] if parts else []
            parts.append(self._within(item, listed.frames))
        return self.combined(parts)

    def filled(self, left: Values, right: Values, arguments: Arguments | None = None) -> Values:
        """A text whose `{}`, `{name}` or `%s` are filled in."""
        made: list[Values] = []
        for template in texts(left):
            known = template.exact
            if known is None:
                made.append((template,))
            elif arguments is not None:
                made.append(self.combined(_formatted(known, arguments)))
            else:
                listed = [
                    self.values(item, value.scope)
                    for value in right
                    if isinstance(value, List)
                    for item in value.node.items
                ]
                made.append(self.combined(_percent(known, listed or [right])))
        return self.merged(*made)


def _formatted(template: str, arguments: Arguments) -> list[str | Values]:
    parts: list[str | Values] = []
    position = 0
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        name = name.partition(":")[0].partition("!")[0]
        values = (
            arguments.keywords.get(name, ())
            if name and not name.isdigit()
            else arguments.get(int(name) if name else position)
        )
        position += 1
        parts += [before, values]
    return [*parts, rest]


def _percent(template: str, given: list[Values]) -> list[str | Values]:
    first, *pieces = template.split("%s")
    parts: list[str | Values] = [first]
    for index, piece in enumerate(pieces):
        parts += [given[index] if index < len(given) else (), piece]
    return parts
