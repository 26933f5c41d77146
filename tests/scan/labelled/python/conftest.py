import pytest
from pyairtable import Api


@pytest.fixture
def started_run():
    """A run for the tests of the service."""
    table = Api("pat").table("appTest", "Client Run Results")
    record = table.create({"Run ID": "fixture"})
    yield table.update(record["id"], {"Status": "Running"})
    table.delete(record["id"])
