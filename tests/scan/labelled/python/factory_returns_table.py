from pyairtable import Api, Base

api = Api("pat")
base = Base(api, "appMain")


def get_table(name="Client Run Results"):
    return base.table(name)


def runs_table():
    return get_table()


def begin(run_id):
    return runs_table().create({"Run ID": run_id})  # expect: creation


def begin_client(name):
    return get_table("Clients").create({"Name": name})  # expect: creation@Clients


def end(record_id):
    table = runs_table()
    patch = table.update
    patch(record_id, {"Status": "Completed"})  # expect: update
