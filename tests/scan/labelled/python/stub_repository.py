from dataclasses import dataclass, field, replace


@dataclass
class MemoryRuns:
    """Stands in for the table of runs in a demo."""

    table_name: str = "Client Run Results"
    rows: dict[str, dict] = field(default_factory=dict)

    def create(self, fields: dict) -> dict:
        record = {"id": f"rec{len(self.rows)}", "fields": dict(fields)}
        self.rows[record["id"]] = record
        return record

    def update(self, record_id: str, fields: dict) -> dict:
        self.rows[record_id]["fields"].update(fields)
        return self.rows[record_id]


def demo() -> MemoryRuns:
    table = MemoryRuns()
    record = table.create({"Run ID": "r1"})
    table.update(record["id"], {"Status": "Completed"})
    return replace(table, table_name="copy")
