import json

import requests

URL = "https://api.airtable.com/v0/appAbc/Client%20Run%20Results"


def sync(session: requests.Session, rows):
    body = {
        "performUpsert": {"fieldsToMergeOn": ["Run ID", "Client ID"]},
        "records": [{"fields": row} for row in rows],
    }
    answer = session.patch(URL, data=json.dumps(body), headers={"Content-Type": "application/json"})  # expect: upsert
    answer.raise_for_status()
    return answer.json()


def save(session: requests.Session, records):
    body = {"records": records, "typecast": True}
    session.patch(URL, json=body)  # expect: update
