import runledger
from runledger import RunNotFound

ledger = runledger.connect("postgresql:///runs")


def record_tokens(run_id, client_id, tokens):
    try:
        ledger.updates.update(run_id, client_id, add={"Tokens": tokens})  # expect: update
    except RunNotFound:
        ledger.start(run_id, client_id, metrics={"Tokens": tokens})  # expect: recovery


def close(run_id, client_id):
    try:
        ledger.get(run_id, client_id)
    except runledger.RunNotFound:
        run = ledger.start(run_id, client_id)  # expect: recovery
        run.skip("never started")  # expect: update
