import logging
from contextlib import suppress

from rich.progress import Progress

log = logging.getLogger("runs")


class RunLogger:
    """Keeps a run in the log alone."""

    def __init__(self):
        self.table = []

    def start(self, run_id):
        log.info("INSERT run %s", run_id)
        self.table.append(run_id)

    def complete(self, run_id):
        with suppress(ValueError):
            self.table.remove(run_id)
        log.info("UPDATE run %s", run_id)


def track(run_id, files):
    logger = RunLogger()
    logger.start(run_id)
    with Progress() as progress:
        task = progress.add_task("Client Run Results", total=len(files))
        for _ in files:
            progress.update(task, advance=1)
    logger.complete(run_id)
