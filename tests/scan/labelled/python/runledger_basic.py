import runledger

ledger = runledger.connect("sqlite:///runs.db")


def night(run_id, clients):
    runs = ledger.start_many(run_id, clients)  # expect: creation
    for client, run in runs.items():
        run.update(metrics={"Posts Scored": len(client)})  # expect: update
        run.complete()  # expect: update


def single(run_id, client):
    run = ledger.start(run_id, client, client_name=client.title())  # expect: creation
    try:
        run.update(note="began")  # expect: update
    except ValueError as error:
        run.fail(error)  # expect: update
    else:
        run.complete()  # expect: update
