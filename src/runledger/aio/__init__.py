"""The ledger for coroutines of asyncio: the calls of RunLedger, made in a few threads and awaited.

```python
from runledger import aio

async with aio.connect("sqlite:///runs.db") as ledger:
    run = await ledger.start("251124-081500", "acme")
    await run.update(add={"Tokens": 1500})
    await run.complete()
```

Parameters, results, limits, errors and events are those of the call of the same name of RunLedger, LedgerUpdates,
LedgerReads and Run, which is what runs in the thread. All of them need a running event loop of asyncio.

A call that has begun when its task is cancelled is carried out, and then the cancellation is raised. A start that
succeeds although its task was cancelled is followed by finishing the run as Cancelled, because nobody has its handle.
What finishes a run is always sent. Any other call that has not begun is not sent.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from .. import stores
from ..domain import RunObserver
from ..services.creation import RETRY_WAITS
from ..services.ledger import utc_now
from ..services.observing import log_event
from ..services.settings import OnMissing
from .ledger import THREADS, AsyncRunLedger, AsyncTracking, checked_threads
from .reads import AsyncLedgerReads
from .updates import AsyncLedgerUpdates, AsyncRun

__all__ = ["AsyncLedgerReads", "AsyncLedgerUpdates", "AsyncRun", "AsyncRunLedger", "AsyncTracking", "connect"]


def connect(
    store: str | os.PathLike[str],
    *,
    observers: Iterable[RunObserver] = (log_event,),
    clock: Callable[[], datetime] = utc_now,
    on_missing: OnMissing = "raise",
    retry_waits: Sequence[float] = RETRY_WAITS,
    sleep: Callable[[float], None] = time.sleep,
    threads: int = THREADS,
) -> AsyncRunLedger:
    """The ledger of a store for coroutines. Parameters that are not explained here are those of `runledger.connect`.

    It opens the store before it returns. In a coroutine that must not wait for that, use
    `await asyncio.to_thread(aio.connect, …)`.
    `threads`: how many calls are made at the same time; the others wait, in their order. `observers` and `sleep` are
    called in these threads. Calls that are not awaited, such as `find`, check their arguments where they are made: of
    one that cannot be used, observers are notified in the thread of the event loop. So does `track` for `heartbeat`;
    its other arguments are those of the start, which checks them in a thread when the block is entered.
    """
    checked_threads(threads)
    ledger = stores.connect(
        store, observers=observers, clock=clock, on_missing=on_missing, retry_waits=retry_waits, sleep=sleep
    )
    return AsyncRunLedger(ledger, threads=threads, owns_ledger=True)
