import httpx

TABLE_PATH = "/v0/appAbc/Client Run Results"


class AsyncRuns:
    def __init__(self, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url="https://api.airtable.com", headers={"Authorization": f"Bearer {token}"}
        )

    async def begin(self, run_id: str) -> str:
        answer = await self._client.post(TABLE_PATH, json={"fields": {"Run ID": run_id}})  # expect: creation
        return answer.json()["id"]

    async def progress(self, record_id: str, scored: int) -> None:
        await self._client.patch(f"{TABLE_PATH}/{record_id}", json={"fields": {"Posts Scored": scored}})  # expect: update

    async def replace(self, record_id: str, fields: dict) -> None:
        await self._client.put(f"{TABLE_PATH}/{record_id}", json={"fields": fields})  # expect: update

    async def forget(self, record_id: str) -> None:
        await self._client.delete(f"{TABLE_PATH}/{record_id}")
