from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def start(event):
    return runs.create(event["fields"])  # expect: creation


def progress(event):
    return runs.update(event["id"], event["fields"])  # expect: update


def handle(event):
    match event["kind"]:
        case "started":
            return start(event)  # expect: creating-wrapper
        case "progress" | "finished":
            return progress(event)  # expect: updating-wrapper
        case other:
            raise ValueError(other)
