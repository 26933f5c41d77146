from pyairtable.orm import Model, fields


class RunRow(Model):
    run_id = fields.TextField("Run ID")
    note = fields.TextField("Note")

    class Meta:
        table_name = "Client Run Results"
        base_id = "app1"
        api_key = lambda: "pat"  # noqa: E731


def annotate(run_id, note):
    run = RunRow.first(formula=f"{{Run ID}}='{run_id}'")
    if run is None:
        run = RunRow(run_id=run_id, note=note)
        run.save()  # expect: recovery
        return
    run.note = note
    run.save()  # expect: update
