#!/usr/bin/env python3
"""Fix up runs by hand."""
import argparse
import sys

from pyairtable import Api


def build_parser():
    parser = argparse.ArgumentParser()
    sub = parser.add_subparsers(dest="command", required=True)
    start = sub.add_parser("start")
    start.add_argument("run_id")
    close = sub.add_parser("close")
    close.add_argument("record_id")
    close.add_argument("--create", action="store_true")
    return parser


def start(table, args):
    print(table.create({"Run ID": args.run_id})["id"])  # expect: creation


def close(table, args):
    row = table.first(formula=f"RECORD_ID() = '{args.record_id}'")
    if not row:
        if not args.create:
            sys.exit("no such run")
        row = table.create({"Run ID": args.record_id})  # expect: recovery
    table.update(row["id"], {"Status": "Completed"})  # expect: update


def main(argv=None):  # expect: no-start
    args = build_parser().parse_args(argv)
    table = Api("pat").table("app", "Client Run Results")
    if args.command == "start":
        start(table, args)  # expect: creating-wrapper
    elif args.command == "close":
        close(table, args)  # expect: creating-wrapper, updating-wrapper
    return 0


if __name__ == "__main__":
    sys.exit(main())
