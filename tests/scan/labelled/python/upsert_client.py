import requests
from pyairtable import Api


class MetricsSink:
    """Where metrics of a run go; the row appears when it is missing."""

    MERGE_ON = ["Run ID"]
    URL = "https://api.airtable.com/v0/appSink/Client%20Run%20Results"

    def __init__(self, key):
        self.table = Api(key).table("appSink", "Client Run Results")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def flush(self, pending):
        records = [{"fields": f} for f in pending]
        self.table.batch_upsert(records, key_fields=self.MERGE_ON, typecast=True)  # expect: upsert

    def flush_http(self, pending):
        upsert = {"fieldsToMergeOn": self.MERGE_ON}
        self.session.put(self.URL, json={"records": pending, "performUpsert": upsert})  # expect: upsert
        self.session.patch(self.URL, json={"records": pending})  # expect: update

    def flush_body(self, pending):
        body = {"records": pending}
        body["performUpsert"] = {"fieldsToMergeOn": ["Run ID"]}
        self.session.patch(self.URL, json=body)  # expect: upsert
