from typing import TypedDict


class Upsert(TypedDict):
    records: list[dict]
    performUpsert: dict


RUNS_URL = "https://api.airtable.com/v0/app/Client%20Run%20Results"


def build_upsert(rows: list[dict]) -> Upsert:
    return {"records": [{"fields": r} for r in rows], "performUpsert": {"fieldsToMergeOn": ["Run ID"]}}


def build_create(run_id: str) -> tuple[str, str, dict]:
    method = "POST"
    return method, RUNS_URL, {"fields": {"Run ID": run_id}}


def curl(run_id: str) -> str:
    method, url, body = build_create(run_id)
    return f"curl -X {method} {url} -d '{body}'"
