from pyairtable import Api


class AirtableRepository:
    table_name = ""

    def __init__(self, api: Api, base_id: str):
        self.api = api
        self.table = api.table(base_id, self.table_name)


class RunRepository(AirtableRepository):
    table_name = "Client Run Results"

    def add(self, fields):
        return self.table.create(fields)  # expect: creation

    def set_status(self, record_id, status):
        self.table.update(record_id, {"Status": status})  # expect: update


class ClientRepository(AirtableRepository):
    table_name = "Clients"

    def add(self, fields):
        return self.table.create(fields)  # expect: creation@Clients

    def rename(self, record_id, name):
        self.table.update(record_id, {"Name": name})  # expect: update@Clients
