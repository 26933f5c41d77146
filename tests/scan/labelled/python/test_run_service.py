"""Tests of the run service: not code that runs in production."""
import pytest
from pyairtable import Api
from pyairtable.testing import fake_record


@pytest.fixture
def runs():
    return Api("pat").table("appTest", "Client Run Results")


@pytest.fixture
def run(runs):
    return runs.create({"Run ID": "t1"})


def test_complete(runs, run):
    runs.update(run["id"], {"Status": "Completed"})
    assert runs.get(run["id"])["fields"]["Status"] == "Completed"
    assert fake_record(Status="x")
