import functools

from pyairtable import Api

_runs = Api("pat").table("app", "Client Run Results")


def _open(run_id):
    return _runs.create({"Run ID": run_id})["id"]  # expect: creation


def _close(record_id, status):
    _runs.update(record_id, {"Status": status})  # expect: update


def recorded(function):
    @functools.wraps(function)
    def inner(run_id, *args, **kwargs):
        record_id = _open(run_id)  # expect: creating-wrapper
        try:
            result = function(run_id, *args, **kwargs)
        except Exception:
            _close(record_id, "Failed")  # expect: updating-wrapper
            raise
        _close(record_id, "Completed")  # expect: updating-wrapper
        return result

    return inner
