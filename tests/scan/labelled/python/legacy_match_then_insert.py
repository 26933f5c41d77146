from airtable import Airtable


class RunBook(object):
    def __init__(self, base_key, api_key):
        self.airtable = Airtable(base_key, table_name="Client Run Results", api_key=api_key)

    def report(self, run_id, **numbers):
        match = self.airtable.match("Run ID", run_id)
        if match == {}:
            self.airtable.insert(dict(numbers, **{"Run ID": run_id}))  # expect: recovery
        else:
            self.airtable.update(match["id"], numbers)  # expect: update
