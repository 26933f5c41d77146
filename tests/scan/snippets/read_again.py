# Names of tables that are made of themselves, before or after they are first assigned.
import web
from pyairtable import Api

app = web.App()
api = Api("k")
name = "Jobs"


def longer():
    app.state.name = app.state.name + " Old"


def first():
    app.state.name = "Clients"


def put(x):
    api.table("app", app.state.name).create(x)  # expect: creation@Clients, creation@Clients Old


def longer_global():
    global name
    name = name + " Old"


def put_global(x):
    api.table("app", name).create(x)  # expect: creation@Jobs, creation@Jobs Old


class Store:
    def longer(self):
        self.name = self.name + " Old"

    def first(self):
        self.name = "Files"

    def put(self, x):
        api.table("app", self.name).create(x)  # expect: creation@Files, creation@Files Old
