from pyairtable import Table

import settings

run_table = Table(settings.API_KEY, settings.BASE_ID, "Client Run Results")


def finish(record_id, posts_scored, tokens):
    fields = {"Status": "Completed", "Posts Scored": posts_scored}
    fields.update({"Tokens": tokens})
    run_table.update(record_id, fields)  # expect: update


def fail(record_id, why):
    run_table.update(record_id, {"Status": "Failed", "Error": str(why)[:1000]}, typecast=True)  # expect: update
