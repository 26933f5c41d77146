"""Forms of "it is not there"; tables in a dictionary that a comprehension makes."""
import httpx
from pyairtable import Api
from pyairtable.orm import Model, fields


class Run(Model):
    run_id = fields.TextField("Run ID")

    class Meta:
        api_key = "key"
        base_id = "app"
        table_name = "Client Run Results"


def tables():
    return {name: Api("key").table("app", name) for name in ("Clients", "Client Run Results")}


TABLES = tables()


async def touch(run_id):
    async with httpx.AsyncClient(base_url="https://api.airtable.com/v0/app") as client:
        answer = await client.patch(f"/Client Run Results/{run_id}", json={})  # expect: update
        if answer.is_success:
            return
        if answer.status_code == httpx.codes.NOT_FOUND:
            await client.post("/Client Run Results", json={})  # expect: recovery


def matched(run_id):
    match Run.first(formula=run_id):
        case None:
            Run(run_id=run_id).save()  # expect: recovery
        case run:
            print(run)


def of_a_comprehension(fields):
    tables()["Client Run Results"].create(fields)  # expect: creation
    TABLES["Clients"].create(fields)  # expect: creation@Clients
