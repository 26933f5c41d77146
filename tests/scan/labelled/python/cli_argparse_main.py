"""Set the status of a run by hand."""
import argparse
import sys

from pyairtable import Api

from settings import AIRTABLE_KEY


def set_status(record_id: str, status: str) -> None:
    table = Api(AIRTABLE_KEY).table("appMain", "Client Run Results")
    table.update(record_id, {"Status": status})  # expect: update


def main(argv: list[str] | None = None) -> int:  # expect: no-start
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record")
    parser.add_argument("--status", default="Completed")
    args = parser.parse_args(argv)
    set_status(args.record, args.status)  # expect: updating-wrapper
    return 0


if __name__ == "__main__":
    sys.exit(main())
