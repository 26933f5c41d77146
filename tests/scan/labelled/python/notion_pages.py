import os

from notion_client import Client

notion = Client(auth=os.environ["NOTION_TOKEN"])
DATABASE = {"Client Run Results": "d9824bdc"}


def create(run_id: str) -> str:
    parent = {"database_id": DATABASE["Client Run Results"]}
    return notion.pages.create(parent=parent, properties={"Run ID": {"title": [{"text": {"content": run_id}}]}})["id"]


def update(page_id: str, status: str) -> None:
    notion.pages.update(page_id, properties={"Status": {"select": {"name": status}}})


def create_or_update(pages: dict[str, str], run_id: str) -> None:
    page = pages.get(run_id) or create(run_id)
    update(page, "Completed")
