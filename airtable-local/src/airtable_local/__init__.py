"""A local server that behaves as Airtable's Web API, for tests and for developing without a base."""

from .faults import Connection, Fault, FaultKind, Faults, LogEntry
from .limits import Limits
from .messages import Request, Response
from .server import AirtableServer, Network
from .service import AirtableService
from .tables import Column, Table
from .tokens import Token
from .unknowns import MissingRecord, Unknowns

__all__ = [
    "AirtableServer",
    "AirtableService",
    "Column",
    "Connection",
    "Fault",
    "FaultKind",
    "Faults",
    "Limits",
    "LogEntry",
    "MissingRecord",
    "Network",
    "Request",
    "Response",
    "Table",
    "Token",
    "Unknowns",
]
