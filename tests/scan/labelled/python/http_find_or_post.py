import requests

RUNS = "https://api.airtable.com/v0/appZ/Client%20Run%20Results"


def report_progress(token, run_id, scored):
    auth = {"Authorization": "Bearer " + token}
    found = requests.get(RUNS, params={"filterByFormula": f"{{Run ID}}='{run_id}'"}, headers=auth, timeout=9).json()
    if not found["records"]:
        requests.post(RUNS, headers=auth, json={"fields": {"Run ID": run_id, "Posts Scored": scored}}, timeout=9)  # expect: recovery
        return
    record_id = found["records"][0]["id"]
    requests.patch(f"{RUNS}/{record_id}", headers=auth, json={"fields": {"Posts Scored": scored}}, timeout=9)  # expect: update
