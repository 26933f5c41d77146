"""Nothing here writes.

Example::

    table.create({"Run ID": run_id})
    runs.update(record["id"], {"Status": "Completed"})
"""
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")

TEMPLATE = '''
def start(run_id):
    return runs.create({"Run ID": run_id})
'''


def start(run_id):
    # return runs.create({"Run ID": run_id})
    raise NotImplementedError("runs.create was removed; see docs")


def show(record_id):
    print(f"runs.update({record_id!r}, ...)")
    return runs.get(record_id), runs.all(), runs.first(), TEMPLATE
