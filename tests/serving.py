"""A server in this process whose work can be waited for: nothing of one test may still be at work in the next."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 60  # seconds; a connection that is open for longer after its browser has gone will never close


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody else is given while a server of the test is not listening on it.

    A bound socket that does not listen refuses connections, and lets a server that may use the address again bind it.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class Traffic:
    """Counts the connections a threading server has accepted and not yet done with."""

    def __init__(self, server: Any) -> None:
        assert isinstance(server, socketserver.ThreadingMixIn)
        self._address: tuple[str, int] = server.server_address  # type: ignore[attr-defined]
        self._open = 0
        self._own: tuple[str, int] | None = None
        self._changed = threading.Condition()
        self._accept, self._part = server.process_request, server.shutdown_request  # type: ignore[attr-defined]
        server.process_request = self._accepted  # type: ignore[method-assign]
        server.shutdown_request = self._parted  # type: ignore[attr-defined]

    def _accepted(self, request: Any, address: Any) -> None:
        self._count(1, address)
        self._accept(request, address)

    def _parted(self, request: Any) -> None:
        try:
            self._part(request)
        finally:
            self._count(-1)

    def _count(self, number: int, address: Any = None) -> None:
        with self._changed:
            self._open += number
            if address == self._own:
                self._own = None
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until every connection made so far is accepted, answered and closed; the server still listens."""
        with socket.socket() as own:
            own.bind(("127.0.0.1", 0))
            self._own = own.getsockname()
            own.connect(self._address)
            # Connections are accepted in turn: once ours is, those before it have been.
            self._wait(lambda: self._own is None)
        self.settle()

    def settle(self) -> None:
        """Wait until every accepted connection is answered and closed, and its thread done with it."""
        self._wait(lambda: not self._open)

    def _wait(self, told: Any) -> None:
        with self._changed:
            done = self._changed.wait_for(told, timeout=PATIENCE)
        assert done, f"the server of the test is still busy with {self._open} connections"
