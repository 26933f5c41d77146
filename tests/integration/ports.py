"""Ports of this machine that stay free until they are used."""

import os
import socket
from contextlib import suppress
from itertools import cycle

# The kernel gives ports above these to whoever asks for any, and may give one away before the test uses it. Processes
# whose tests run at the same time have ids near each other, and so different ports.
_mine = cycle(range(10_000 + os.getpid() % 200 * 100, 10_100 + os.getpid() % 200 * 100))


def free_port() -> int:
    """A port at which nothing listens, and which no other test takes."""
    while True:
        port = next(_mine)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
