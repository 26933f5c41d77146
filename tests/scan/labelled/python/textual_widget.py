from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static


class RunBoard(App):
    """Shows runs; writes none."""

    TITLE = "Client Run Results"

    def compose(self) -> ComposeResult:
        self.table = DataTable()
        self.status = Static()
        yield self.table
        yield self.status

    def create_run(self, run_id: str) -> None:
        self.table.add_row(run_id, "Running", key=run_id)

    def update_run(self, run_id: str, status: str) -> None:
        self.table.update_cell(run_id, "Status", status)
        self.status.update(f"{run_id}: {status}")


if __name__ == "__main__":
    RunBoard().run()
