from apscheduler.schedulers.blocking import BlockingScheduler
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")
scheduler = BlockingScheduler()


def start_run():
    return runs.create({"Run ID": "nightly"})["id"]  # expect: creation


def end_run(record_id):
    runs.update(record_id, {"Status": "Completed"})  # expect: update


@scheduler.scheduled_job("cron", hour=2)
def nightly():
    record_id = start_run()  # expect: creating-wrapper
    end_run(record_id)  # expect: updating-wrapper


def close_stale():
    for record in runs.all(formula="{Status}='Running'"):
        end_run(record["id"])  # expect: updating-wrapper


scheduler.add_job(close_stale, "interval", minutes=10)  # expect: no-start

if __name__ == "__main__":
    scheduler.start()
