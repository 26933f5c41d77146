import os

AIRTABLE_KEY = os.environ.get("AIRTABLE_KEY", "")
BASE_ID = os.environ.get("AIRTABLE_BASE", "appDefault")


class Tables:
    RUNS = "Client Run Results"
    CLIENTS = "Clients"
    METRICS = "Metrics"


TABLE_OF_RUNS = Tables.RUNS
