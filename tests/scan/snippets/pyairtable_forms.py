import os
from pyairtable import Api, Table
from pyairtable.orm import Model, fields as F
from airtable import Airtable

api = Api(os.environ["AIRTABLE_API_KEY"])
RUNS = os.getenv("RUNS_TABLE", "Client Run Results")
table = api.table("app1", RUNS)
old = Table("key", "app1", "Clients")
wrapper = Airtable("app1", "Client Run Results", api_key="k")


class Run(Model):
    run_id = F.TextField("Run ID")

    class Meta:
        base_id = "app1"
        table_name = "Client Run Results"
        api_key = "k"


def forms(fields, rid):
    table.create(fields)  # expect: creation
    table.batch_create([fields])  # expect: creation
    table.update(rid, fields)  # expect: update
    table.batch_update([{"id": rid, "fields": fields}])  # expect: update
    table.batch_upsert([{"fields": fields}], key_fields=["Run ID"])  # expect: upsert
    old.create(fields)  # expect: creation@Clients
    wrapper.insert(fields)  # expect: creation
    wrapper.batch_insert([fields])  # expect: creation
    wrapper.update_by_field("Run ID", rid, fields)  # expect: update
    wrapper.replace(rid, fields)  # expect: update
    api.base("app1").table(os.environ["T"]).create(fields)  # expect: unresolved
    api.base("app1").create_table("Client Run Results", fields=[])
    fields.update({"x": 1})
    Run(run_id=rid).save()  # expect: creation
    run = Run.first(formula="x")
    run.save()  # expect: update


def get_or_create_run(run_id):
    records = table.all(formula=f"{{Run ID}}='{run_id}'")
    if not records:
        return table.create({"Run ID": run_id})  # expect: recovery
    return records[0]


def start_run(run_id):
    if table.first(formula=f"{{Run ID}}='{run_id}'") is not None:
        raise ValueError("exists")
    return table.create({"Run ID": run_id})  # expect: creation


def update_run(run_id, **fields):
    record = table.first(formula="x") or table.create({"Run ID": run_id})  # expect: recovery
    return table.update(record["id"], fields)  # expect: update
