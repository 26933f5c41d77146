from enum import Enum

from pyairtable import Api


class Tables(str, Enum):
    RUNS = "Client Run Results"
    POSTS = "LinkedIn Posts"
    CLIENTS = "Clients"


api = Api("pat")


def _t(name: Tables):
    return api.table("appMain", name.value)


class Recorder:
    def __init__(self):
        self.runs = api.table("appMain", Tables.RUNS.value)
        self.posts = api.table("appMain", Tables.POSTS.value)

    def begin(self, run_id):
        self.posts.create({"Title": f"Run {run_id}"})  # expect: creation@LinkedIn Posts
        self.runs.create({"Run ID": run_id})  # expect: creation

    def scored(self, post_id, score):
        self.posts.update(post_id, {"Score": score})  # expect: update@LinkedIn Posts
