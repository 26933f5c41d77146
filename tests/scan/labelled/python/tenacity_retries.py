from pyairtable import Api
from tenacity import retry, retry_if_exception_type, stop_after_attempt

runs = Api("pat").table("app", "Client Run Results")


@retry(stop=stop_after_attempt(3), retry=retry_if_exception_type(ConnectionError))
def start(run_id: str) -> str:
    return runs.create({"Run ID": run_id})["id"]  # expect: creation


@retry(stop=stop_after_attempt(5))
def finish(record_id: str) -> None:
    runs.update(record_id, {"Status": "Completed"})  # expect: update


def job(run_id: str) -> None:
    record_id = start(run_id)  # expect: creating-wrapper
    try:
        print(record_id)
    finally:
        finish(record_id)  # expect: updating-wrapper
