import hashlib
from pyairtable import Api
from myapp.store import find_run, api
class RunRepo:
    table_name = "Client Run Results"
    def __init__(self, api, base_id):
        self.table = api.table(base_id, self.table_name)
    @classmethod
    def from_env(cls):
        return cls(Api("k"), "app")
    def create(self, **fields):
        return self.table.create(fields)  # expect: creation, creation@Clients
    def update(self, record_id, **fields):
        return self.table.update(record_id, fields)  # expect: update
    def upsert(self, fields):
        return self.table.batch_upsert([{"fields": fields}], key_fields=["Run ID"])  # expect: upsert
    def create_report(self, run_id):
        h = hashlib.sha256()
        h.update(run_id.encode())
        seen = set()
        seen.add(run_id)
        data = {"a": 1}
        data.update(b=2)
        return h.hexdigest()
class ClientRepo(RunRepo):
    table_name = "Clients"
def handler(event, context):  # expect: no-start
    repo = RunRepo.from_env()
    repo.update(event["id"], Status="Done")  # expect: updating-wrapper
def complete(run_id, repo: RunRepo, create_missing: bool = True):
    row = find_run(run_id)
    if row is None and create_missing:
        row = repo.create(run_id=run_id)  # expect: recovery
    repo.update(row["id"])  # expect: updating-wrapper
def get_or_create_client(name):
    clients = ClientRepo(Api("k"), "app")
    existing = clients.table.first(formula=name)
    return existing or clients.create(name=name)  # expect: recovery@Clients
def generic(table_name, fields):
    return Api("k").table("app", table_name).create(fields)  # expect: unresolved
def idx(table, rid):
    records = Api("k").table("app", "Client Run Results").all()
    by_id = {r["fields"]["Run ID"]: r for r in records}
    if rid not in by_id:
        Api("k").table("app", "Client Run Results").create({"Run ID": rid})  # expect: recovery
    try:
        row = by_id[rid]
    except KeyError:
        row = Api("k").table("app", "Client Run Results").create({"Run ID": rid})  # expect: recovery
    return row
