import sys

from pyairtable import Api

TABLE = Api("pat").table("app", "Client Run Results")


class Night:
    def __init__(self, run_id):
        self.run_id = run_id
        self.record = None

    def open(self):
        self.record = TABLE.create({"Run ID": self.run_id})  # expect: creation

    def step(self, name):
        TABLE.update(self.record["id"], {"Step": name})  # expect: update

    def run(self):
        self.open()  # expect: creating-wrapper
        for name in ("harvest", "score", "report"):
            self.step(name)  # expect: updating-wrapper


def main():
    night = Night(sys.argv[1])
    night.run()


if __name__ == "__main__":
    main()
