from pyairtable import Api


class RunService:
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance.table = Api("pat").table("app", "Client Run Results")
        return cls._instance

    @classmethod
    def shared(cls):
        return cls()

    def start(self, run_id, /, **fields):
        return self.table.create({"Run ID": run_id, **fields})  # expect: creation

    @staticmethod
    def key(run_id, client_id):
        return f"{run_id}-{client_id}"


def start_for_clients(run_id, clients):
    service = RunService.shared()
    return [service.start(RunService.key(run_id, c), Client=c) for c in clients]  # expect: creating-wrapper


def start_one(run_id):
    return RunService().start(run_id)  # expect: creating-wrapper
