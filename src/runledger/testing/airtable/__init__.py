"""A local server that behaves as Airtable's Web API, for tests and for developing without a base.

It is a stand-in for a foreign service and knows nothing of run records. Needs the extra `airtable-server`.
"""

from .faults import Connection, Fault, FaultKind, Faults, LogEntry
from .messages import Request, Response
from .server import AirtableServer
from .service import AirtableService, Limits, Token
from .tables import Column, Table, run_table
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
    "Request",
    "Response",
    "Table",
    "Token",
    "Unknowns",
    "run_table",
]
