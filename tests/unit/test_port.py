"""What derives from a protocol of the port, or of an observer, has to have all of its methods."""

from typing import Any

import pytest

from runledger.domain import (
    IdentifiedStore,
    LatestStore,
    LoggedStore,
    ObservedStore,
    RunObserver,
    RunRemoval,
    RunRepository,
    SummableStore,
)
from runledger.domain.stored_row import RowStore

METHODS: dict[type[Any], str] = {
    RunRepository: "create create_many update update_many get log find guarantees without_creation close",
    RunRemoval: "remove_runs close",
    RunObserver: "__call__",
    ObservedStore: "add_observer",
    SummableStore: "summary",
    LatestStore: "latest",
    LoggedStore: "find_with_logs",
    IdentifiedStore: "identity",
    RowStore: "stored_rows",
}


@pytest.mark.parametrize(
    ("protocol", "method"), [(each, name) for each, names in METHODS.items() for name in names.split()]
)
def test_a_class_that_derives_from_the_port_and_lacks_a_method_cannot_be_used(protocol: type[Any], method: str) -> None:
    others = {name: lambda *_: None for name in METHODS[protocol].split() if name != method}
    with pytest.raises(TypeError, match=rf"abstract method {method}$|abstract method '{method}'$"):
        type("Adapter", (protocol,), others)()


@pytest.mark.parametrize("protocol", METHODS)
def test_a_class_with_all_methods_can_be_used(protocol: type[Any]) -> None:
    type("Adapter", (protocol,), {name: lambda *_: None for name in METHODS[protocol].split()})()
