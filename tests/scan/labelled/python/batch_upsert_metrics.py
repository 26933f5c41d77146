from pyairtable import Api

KEY = ["Run ID", "Client ID"]


def push_metrics(api: Api, base_id: str, rows: list[dict]) -> int:
    """Write the numbers of one night; makes rows that are missing."""
    table = api.table(base_id, "Client Run Results")
    result = table.batch_upsert(  # expect: upsert
        [{"fields": row} for row in rows],
        key_fields=KEY,
        replace=False,
    )
    return len(result["createdRecords"])
