from workflows.store import RunStore, start_run, update_run


def test_a_run_is_updated():
    record_id = start_run("t1", "acme")
    update_run("t1", "acme", Status="Completed")
    RunStore().patch(record_id, Status="Failed")
