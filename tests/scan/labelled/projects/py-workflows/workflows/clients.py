from . import settings
from .store import _api

clients = _api.table(settings.BASE_ID, settings.Tables.CLIENTS)
metrics = _api.table(settings.BASE_ID, settings.Tables.METRICS)


def client_named(name):
    row = clients.first(formula=f"{{Name}}='{name}'")
    if row is None:
        row = clients.create({"Name": name})  # expect: recovery@Clients
    return row["id"]


def add_metric(name, value):
    metrics.create({"Name": name, "Value": value})  # expect: creation@Metrics
