# scan: runs = "Runs"
"""Fields of dataclasses, attrs and pydantic that make tables; what is given is taken instead."""

from dataclasses import dataclass, field

from attrs import Factory, define
from attrs import field as attribute
from pyairtable import Api
from pydantic import BaseModel, PrivateAttr


def _runs():
    return Api("k").table("app", "Runs")


def _clients():
    return Api("k").table("app", "Clients")


@dataclass
class Data:
    runs: object = field(default_factory=_runs, repr=False)
    seen: set = field(default_factory=set)

    def go(self):
        self.seen.add(1)
        self.runs.create({})  # expect: creation, creation@Clients


@define
class Attrs:
    base: str
    _table = attribute(init=False)
    other = Factory(_clients)
    third = attribute(default=Factory(_runs))

    @_table.default
    def _made(self):
        return Api("k").table(self.base, "Runs")

    def go(self):
        self._table.update("x", {})  # expect: update
        self.other.update("x", {})  # expect: update@Clients
        self.third.create({})  # expect: creation


@define
class Given:
    _table: object

    def go(self):
        self._table.create({})  # expect: creation@Clients


class Model(BaseModel):
    _rows = PrivateAttr(default_factory=_runs)

    def go(self):
        self._rows.create({})  # expect: creation


def main():
    Data().go()  # expect: creating-wrapper
    Data(_clients()).go()  # expect: creating-wrapper@Clients
    Given(table=_clients()).go()  # expect: creating-wrapper@Clients
