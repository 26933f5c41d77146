"""Start of a client run."""
import os
from datetime import datetime, timezone

from pyairtable import Api

api = Api(os.environ["AIRTABLE_API_KEY"])
RUNS = "Client Run Results"


def start_client_run(run_id: str, client_id: str, client_name: str) -> str:
    table = api.table(os.environ["AIRTABLE_BASE_ID"], RUNS)
    record = table.create(  # expect: creation
        {
            "Run ID": run_id,
            "Client ID": client_id,
            "Client Name": client_name,
            "Start Time": datetime.now(timezone.utc).isoformat(),
            "Status": "Running",
        }
    )
    return record["id"]
