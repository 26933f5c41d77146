from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def set_by_next(run_id, fields):
    row = next((r for r in runs.all() if r["fields"].get("Run ID") == run_id), None)
    if row is None:
        runs.create({"Run ID": run_id, **fields})  # expect: recovery
    else:
        runs.update(row["id"], fields)  # expect: update


def set_by_loop(run_id, fields):
    for row in runs.all():
        if row["fields"]["Run ID"] == run_id:
            runs.update(row["id"], fields)  # expect: update
            break
    else:
        runs.create({"Run ID": run_id, **fields})  # expect: recovery


def set_by_index(run_id, fields):
    try:
        row = runs.all(formula=f"{{Run ID}}='{run_id}'")[0]
    except IndexError:
        runs.create({"Run ID": run_id, **fields})  # expect: recovery
        return
    runs.update(row["id"], fields)  # expect: update


def set_by_count(run_id, fields):
    rows = runs.all(formula=f"{{Run ID}}='{run_id}'")
    exists = len(rows) >= 1
    runs.update(rows[0]["id"], fields) if exists else runs.create(fields)  # expect: update, recovery
