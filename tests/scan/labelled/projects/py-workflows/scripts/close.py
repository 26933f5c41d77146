import argparse

from workflows.services.recorder import Recorder
from workflows.store import RunStore


def main() -> None:  # expect: no-start
    parser = argparse.ArgumentParser()
    parser.add_argument("records", nargs="+")
    recorder = Recorder(RunStore())
    for record in parser.parse_args().records:
        recorder.end(record)


if __name__ == "__main__":
    main()
