"""Which of the optional columns a table has. Asked once, by a list that names them: nothing is written to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import define

from .columns import Columns
from .transport import Refused

T = TypeVar("T")


@define
class Layout:
    """The columns of a table: as mapped, and once `is_known`, without those that the table does not have.

    A column that is added later is used by stores that are opened afterwards.
    """

    columns: Columns
    is_known: bool = False

    def learned(self, listed: Callable[[Sequence[str]], T]) -> T:
        """What `listed` returns for the columns that there are: it lists records with these columns alone.

        Raises Refused, which names the column, if one is missing that is not optional.
        """
        while True:
            try:
                answer = listed(list(self.columns.of_parts.values()))
            except Refused as error:
                optional = self.columns.optional.items()
                missing = [part for part, name in optional if error.refusal.lacks(name)]
                if not missing:
                    raise
                self.columns = self.columns.without(missing[0])
            else:
                self.is_known = True
                return answer

    def must_ask(self, parts: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the columns of these parts may be missing: no row that was read has a value there."""
        if self.is_known:
            return False
        names = {self.columns.optional[part] for part in parts if part in self.columns.optional}
        return not names <= {name for cells in rows for name in cells}
