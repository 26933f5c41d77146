# Tables and statements in lists that are filled after they were made.
from pyairtable import Api

api = Api("k")
later = []
later.append(api.table("app", "Files"))


def put(x, more):
    tables = [api.table("app", "Clients")]
    tables.append(api.table("app", "Jobs"))
    tables.extend([api.table("app", "Tasks"), more])
    tables += [api.table("app", "Notes")]
    for table in tables:
        table.create(x)  # expect: creation@Clients, creation@Jobs, creation@Tasks, creation@Notes


def put_in(x, place):
    names = ["Clients"]
    names.insert(0, "Jobs")
    names[place] = "Tasks"
    names[0] = names[1]
    names[0], names[1] = names[1], names[0]
    for name in names:
        api.table("app", name).create(x)  # expect: creation@Clients, creation@Jobs, creation@Tasks


def put_later(x):
    for table in later:
        table.create(x)  # expect: creation@Files


class Store:
    def __init__(self):
        self.tables = []

    def add(self):
        self.tables.append(api.table("app", "Clients"))

    def put(self, x):
        for table in self.tables:
            table.create(x)  # expect: creation@Clients


def built(db, done):
    parts = ["INSERT INTO jobs (id)"]
    parts.append("VALUES (?)")
    if done:
        parts.append("ON CONFLICT (id) DO UPDATE SET done = 1")
    db.execute(" ".join(parts))  # expect: upsert@jobs


def each_statement(db):
    todo = []
    todo.append(("INSERT INTO jobs (id) VALUES (?)", (1,)))
    for sql, values in todo:
        db.execute(sql, values)  # expect: creation@jobs


def rows(db, items):
    made = []
    for item in items:
        made.append((item, made[-1:]))
    db.executemany("INSERT INTO jobs (id, before) VALUES (?, ?)", made)  # expect: creation@jobs


def of_another_name(x, tables):
    tables.append(api.table("app", "Clients"))
    numbers = [1, 2]
    numbers.append(3)
    for number in numbers:
        number.create(x)
