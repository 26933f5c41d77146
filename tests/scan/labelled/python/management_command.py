from django.core.management.base import BaseCommand
from pyairtable import Api
from pyairtable.formulas import match

runs = Api("pat").table("app", "Client Run Results")


def close(run_id):
    record = runs.first(formula=match({"Run ID": run_id}))
    if record is None:
        raise LookupError(run_id)
    runs.update(record["id"], {"Status": "Completed"})  # expect: update


class Command(BaseCommand):
    help = "Close runs by hand."

    def add_arguments(self, parser):
        parser.add_argument("run_ids", nargs="+")

    def handle(self, *args, run_ids, **options):  # expect: no-start
        for run_id in run_ids:
            close(run_id)  # expect: updating-wrapper
            self.stdout.write(f"{run_id} closed")
