"""A bad line: a proxy between phone and server that is dead, cuts uploads, loses replies or answers for a stranger."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import PATIENCE, Traffic, held_port

# What a request meets: None (goes through), or one of the classes below.
Fate = Any
HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Lost:
    """The request arrives, its answer does not."""


@dataclass(frozen=True)
class Held:
    """The request is on its way until ``go`` is set; then it arrives, and so does its answer."""

    go: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Cut:
    """The upload breaks off after so many bytes; nothing arrives."""

    after: int = 0


@dataclass(frozen=True)
class Stranger:
    """Somebody else answers: a sign-in page of a network, a broken proxy, a server of another mind."""

    status: int
    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Changed:
    """The answer arrives with other content."""

    change: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Asked:
    """One request as it was seen on the line."""

    method: str
    path: str
    size: int


class Line:
    """``origin`` is what the phone sees; ``fate(asked)`` decides what becomes of each request."""

    def __init__(self, server: str) -> None:
        self.server = server.removeprefix("http://")
        self.fate: Callable[[Asked], Fate] = lambda asked: None
        self.asked: list[Asked] = []
        self.passed: list[Asked] = []
        self._holding = ExitStack()
        self.port = self._holding.enter_context(held_port())
        self._listening: ThreadingHTTPServer | None = None
        self._traffic: list[Traffic] = []
        self.up()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen, on the same port as before."""
        if self._listening is None:
            self._listening = _Server(("127.0.0.1", self.port), _handler(self))
            self._traffic.append(Traffic(self._listening))
            threading.Thread(target=self._listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        """Refuse every connection, and every request on a connection that a browser has opened for later."""
        if self._listening is not None:
            listening, self._listening = self._listening, None
            listening.shutdown()
            listening.server_close()

    @property
    def is_up(self) -> bool:
        return self._listening is not None

    def close(self) -> None:
        """Wait until everything is done that a phone asked before it hung up, and give the port back."""
        if self.is_up:
            self._traffic[-1].drain()
            self.down()
        for traffic in self._traffic:
            traffic.settle()
        self._holding.close()

    def only(self, part: str, *fates: Fate, method: str = "") -> None:
        """The next requests whose path holds ``part`` meet these fates in turn; everything else goes through."""
        left = list(fates)

        def fate(asked: Asked) -> Fate:
            return left.pop(0) if left and part in asked.path and method in ("", asked.method) else None

        self.fate = fate

    def always(self, part: str, met: Fate) -> None:
        """Every request whose path holds ``part`` meets this."""
        self.fate = lambda asked: met if part in asked.path else None

    def free(self) -> None:
        """Everything goes through again."""
        self.fate = lambda asked: None

    def count(self, part: str, method: str = "", *, passed: bool = False) -> int:
        """How many requests were seen for a path that holds ``part``, or were passed on to the server."""
        seen = self.passed if passed else self.asked
        return sum(part in asked.path and method in ("", asked.method) for asked in list(seen))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A browser opens several connections at once, and this process may be late to accept them.
    request_queue_size = 64
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A phone that hangs up is no error of ours."""


def _handler(line: Line) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

        def pass_on(self) -> None:
            self.close_connection = True
            size = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, size)
            if not line.is_up:
                return
            line.asked.append(asked)
            fate = line.fate(asked)
            if isinstance(fate, Cut):
                self.rfile.read(min(fate.after, size))
                return
            body = self.rfile.read(size) if size else b""
            if isinstance(fate, Held):
                fate.go.wait(PATIENCE)
            if isinstance(fate, Stranger):
                self.answer(fate.status, {"Content-Type": fate.kind, **fate.headers}, fate.body)
                return
            line.passed.append(asked)
            try:
                status, headers, content = self.ask(body)
            except (OSError, http.client.HTTPException):
                return
            if isinstance(fate, Lost):
                return
            if isinstance(fate, Changed):
                content = fate.change(content)
            self.answer(status, headers, content)

        def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            # What is changed on the way must not be packed.
            headers.pop("Accept-Encoding", None)
            # Closed whatever happens: a server that is killed in the middle leaves no answer.
            with closing(http.client.HTTPConnection(line.server, timeout=PATIENCE)) as connection:
                connection.request(self.command, self.path, body=body or None, headers=headers)
                answer = connection.getresponse()
                kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOPS}
                kept["Date"] = answer.getheader("Date") or self.date_time_string()
                return answer.status, kept, answer.read()

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = pass_on

    return Handler
