from pyairtable import Api

api = Api("pat")
jobs = api.table("app", "Jobs")
runs = api.table("app", "Client Run Results")


def open_job(name):
    return jobs.create({"Name": name})  # expect: creation@Jobs


def finish_run(record_id):
    runs.update(record_id, {"Status": "Completed"})  # expect: update


def main():  # expect: no-start
    job = open_job("nightly")  # expect: creating-wrapper@Jobs
    for record_id in job["fields"].get("Runs", []):
        finish_run(record_id)  # expect: updating-wrapper


if __name__ == "__main__":
    main()
