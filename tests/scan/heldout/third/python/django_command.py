"""A management command with raw SQL beside Django's own models."""
# scan: runs = "client_runs"
from django.core.management.base import BaseCommand
from django.db import connection, transaction


def find(run_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM client_runs WHERE run_id = %s", [run_id])
        row = cursor.fetchone()
    return row[0] if row else None


def update_status(run_id, status):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE client_runs SET status = %s WHERE run_id = %s", [status, run_id])  # expect: update
        if cursor.rowcount == 0:
            cursor.execute("INSERT INTO client_runs (run_id, status) VALUES (%s, %s)", [run_id, status])  # expect: recovery


def beat(run_id):
    pk = find(run_id)
    if pk is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute("UPDATE client_runs SET beat = now() WHERE id = %s", [pk])  # expect: update
    return True


class Command(BaseCommand):
    help = "Close the runs that are older than a day"

    def add_arguments(self, parser):
        parser.add_argument("run_ids", nargs="+")

    def handle(self, *args, **options):  # expect: no-start
        with transaction.atomic():
            for run_id in options["run_ids"]:
                update_status(run_id, "Failed")  # expect: creating-wrapper, updating-wrapper
                self.stdout.write(f"closed {run_id}")
