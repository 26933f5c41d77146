"""Making the table is not making a record."""
from pyairtable import Api

api = Api("pat")
base = api.base("appMain")


def create_runs_table():
    return base.create_table(
        "Client Run Results",
        fields=[{"name": "Run ID", "type": "singleLineText"}],
    )


def create_status_field():
    table = base.table("Client Run Results")
    return table.create_field("Status", "singleSelect", options={"choices": [{"name": "Running"}]})


def create_webhook():
    return base.add_webhook("https://example.com/hook", {"options": {"filters": {"dataTypes": ["tableData"]}}})


def comment(record_id):
    base.table("Client Run Results").add_comment(record_id, "see log")


def remove(record_id):
    base.table("Client Run Results").delete(record_id)
