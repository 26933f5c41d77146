"""How many requests a second one process sends to a base that allows five, over networks of several kinds.

    .venv/bin/python benchmarks/airtable_rate.py

In real time, on a local server that delays requests and answers, counts arrivals as Airtable does, and refuses all
requests for 30 seconds if there are too many. The first request of each connection takes 0.15 s more. This takes three
minutes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from airtable import BASE, TABLE, TOKEN
from airtable_local import AirtableServer, AirtableService, Connection, Limits, Network, Token
from runledger import RunQuery
from runledger.adapters.airtable import AirtableRunRepository
from runledger.testing.airtable import run_table

REQUESTS = 75
NETWORKS = {
    "0.02 s": Network(delay=0.01, connecting=0.15),
    "0.1 s": Network(delay=0.05, connecting=0.15),
    "0.1 s to 0.35 s": Network(delay=0.05, jitter=0.125, connecting=0.15),
    "0.5 s": Network(delay=0.25, connecting=0.15),
}


def measured(network: Network, threads: int) -> tuple[float, int, int]:
    """Requests a second after the first five, the most within a second, and the refusals."""
    service = AirtableService([Token(TOKEN)], limits=Limits(requests_per_second=5))
    service.add_base("Operations", [run_table(TABLE)], BASE)
    with AirtableServer(Connection(service), network=network) as server, ThreadPoolExecutor(threads) as pool:
        repository = AirtableRunRepository(TOKEN, BASE, TABLE, endpoint=server.url)
        list(pool.map(lambda _: list(repository.find(RunQuery())), range(REQUESTS)))
        log = list(server.log)
    times = [entry.time.timestamp() for entry in log]
    rate = (len(times) - 5) / (times[-1] - times[4])
    most = max(sum(0 <= other - each < 1 for other in times) for each in times)
    return rate, most, sum(entry.status == 429 for entry in log)


def row(name: str, threads: int) -> str:
    network = NETWORKS[name]
    trip = 2 * network.delay + network.jitter
    rate, most, refused = measured(network, threads)
    most_possible = min(5 / (1 + trip), threads / trip)  # one thread waits for each answer
    return (
        f"| {name} | {threads} | {rate:.2f} | {most_possible:.2f} | {rate / most_possible:.0%} | {most} | {refused} |"
    )


if __name__ == "__main__":
    print("| round trip | threads | requests a second | most possible | share | most within a second | refused |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in NETWORKS:
        for threads in (1, 8):
            print(row(name, threads), flush=True)
