"""Tables whose names only begin like that of the runs."""
from pyairtable import Api

api = Api("pat")
archive = api.table("app", "Client Run Results Archive")
old = api.table("app", "client run result")


def archive_run(record):
    fields = dict(record["fields"])
    fields.pop("Record ID", None)
    return archive.create(fields)  # expect: creation@Client Run Results Archive


def mark_old(record_id):
    old.update(record_id, {"Old": True})  # expect: update@client run result


def archive_all(records):
    for record in records:
        archive_run(record)  # expect: creating-wrapper@Client Run Results Archive
