# scan: runs = "Client Run Results"
"""Functions that say whether there is a record; what follows a try that returns."""
from pyairtable import Api
runs = Api("k").table("app", "Client Run Results")
def exists(i):
    if runs.first(formula=i) is None:
        return False
    return True
def exists2(i):
    return runs.first(formula=i) is not None
def known(i):
    row = runs.first(formula=i)
    if row:
        return True
    return False
def is_there(i):
    rows = runs.all(formula=i)
    return bool(rows)
def a(i):
    if not exists(i):
        runs.create({})  # expect: recovery
def b(i):
    if not exists2(i):
        runs.create({})  # expect: recovery
def c(i):
    if not known(i):
        runs.create({})  # expect: recovery
def d(i):
    if not is_there(i):
        runs.create({})  # expect: recovery
def upd(i):
    try:
        runs.update(i, {})  # expect: update
        return True
    except KeyError:
        return False
def e(i):
    if not upd(i):  # expect: updating-wrapper
        runs.create({})  # expect: recovery
def f(i):
    try:
        return runs.update(i, {})  # expect: update
    except KeyError:
        pass
    return runs.create({})  # expect: recovery
def g(i):
    for n in range(3):
        try:
            return runs.create({})  # expect: creation
        except ConnectionError:
            pass
    return runs.create({})  # expect: creation
