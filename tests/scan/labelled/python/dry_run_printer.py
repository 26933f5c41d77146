"""Prints what would be written."""
import argparse

PLAN = {
    "create": "table.create({'Run ID': %r})",
    "update": "table.update(%r, {'Status': 'Completed'})",
}


class Printer:
    def create(self, run_id):
        print(PLAN["create"] % run_id)

    def update(self, record_id):
        print(PLAN["update"] % record_id)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="*")
    printer = Printer()
    for run in parser.parse_args().runs:
        printer.create(run)
        printer.update(run)


if __name__ == "__main__":
    main()
