from pyairtable import Api

TABLE = Api("pat").table("app", "Client Run Results")


class RunWriter:
    def create_run_record(self, run_id, client_id):
        """The creation point: a second call of the same run is an error."""
        existing = TABLE.all(formula=f"AND({{Run ID}}='{run_id}',{{Client ID}}='{client_id}')")
        if len(existing) > 0:
            raise ValueError(f"run {run_id} exists")
        record = TABLE.create({"Run ID": run_id, "Client ID": client_id})  # expect: creation
        return record["id"]

    def start_workflow(self, run_id, clients):
        ids = []
        for client in clients:
            ids.append(self.create_run_record(run_id, client))  # expect: creating-wrapper
        return ids
