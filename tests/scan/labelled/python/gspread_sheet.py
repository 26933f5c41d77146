import gspread

book = gspread.service_account().open("Reports")
table = book.worksheet("Client Run Results")


def create_run(run_id, client_id):
    """A line in a sheet of Google, not a record."""
    table.append_row([run_id, client_id, "Running"])


def update_run(run_id, status):
    cell = table.find(run_id)
    if cell is None:
        create_run(run_id, "")
        cell = table.find(run_id)
    table.update_cell(cell.row, 3, status)
    table.update("A1:C1", [["Run ID", "Client ID", "Status"]])
