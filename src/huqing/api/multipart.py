"""multipart/form-data as phones send it, read as it comes: hundreds of files go straight to the disk.

Django's own reader stops at a hundred files, reads nothing of chunked requests, and takes a body that was cut off for a
whole one. This one knows how much must come and insists on the closing boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

BLOCK = 64 * 1024
MOST_HEADERS = 16 * 1024
_BOUNDARY = re.compile(r"[ -~]{0,199}[!-~]")


class BadBody(ValueError):
    """The body is not what its headers say; the message says how."""


class TooLong(ValueError):
    """More bytes than may come."""


class Body:
    """The bytes of a request, whether their number was told before or they come in chunks; never more than ``most``."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        self.stream = request.META["wsgi.input"]
        self.most = most
        self.taken = 0
        self.chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        self.left = 0 if self.chunked else _length(request)
        if self.left > most:
            raise TooLong

    def read(self) -> bytes:
        """The next bytes, b"" at the end; TooLong, or BadBody when the sender stopped before the end."""
        if not self.chunked and self.left == 0:
            return b""
        try:
            block: bytes = self.stream.read(BLOCK if self.chunked else min(BLOCK, self.left))
        except (OSError, ValueError) as error:
            raise BadBody("the connection broke off") from error
        if not self.chunked:
            if not block:
                raise BadBody("the connection broke off")
            self.left -= len(block)
        self.taken += len(block)
        if self.taken > self.most:
            raise TooLong
        return block

    def drain(self) -> None:
        """Read on to the end, so that the sender hears the answer; gives up at what may come at most."""
        try:
            while self.read():
                pass
        except (BadBody, TooLong):
            return


@dataclass(frozen=True)
class Part:
    """One part: the name of its field and of its file ("" none), and its bytes as they come."""

    name: str
    filename: str
    chunks: Iterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """The boundary of a multipart body; BadBody when the header names none."""
    kind, options = parse_header_parameters(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not _BOUNDARY.fullmatch(boundary):
        raise BadBody("not multipart/form-data with a boundary")
    return boundary.encode("ascii")


def parts(body: Body, boundary: bytes) -> Iterator[Part]:
    """The parts in their order; what is left of one when the next is asked for is passed over. BadBody at nonsense."""
    reader = _Reader(body, b"\r\n--" + boundary)
    for _ in reader.until_boundary():
        pass
    while reader.another():
        name, filename = reader.headers()
        chunks = reader.until_boundary()
        yield Part(name, filename, chunks)
        for _ in chunks:
            pass


class _Reader:
    def __init__(self, body: Body, delimiter: bytes) -> None:
        self.body = body
        self.delimiter = delimiter
        # The first boundary has no line before it.
        self.buffer = b"\r\n"

    def more(self) -> None:
        block = self.body.read()
        if not block:
            raise BadBody("the closing boundary is missing")
        self.buffer += block

    def until_boundary(self) -> Iterator[bytes]:
        """The bytes before the next boundary, which is taken away."""
        keep = len(self.delimiter)
        while True:
            at = self.buffer.find(self.delimiter)
            if at >= 0:
                found, self.buffer = self.buffer[:at], self.buffer[at + keep :]
                if found:
                    yield found
                return
            if len(self.buffer) > keep:
                found, self.buffer = self.buffer[:-keep], self.buffer[-keep:]
                yield found
            self.more()

    def another(self) -> bool:
        """Whether a part follows the boundary just passed, or nothing more."""
        while len(self.buffer) < 2:
            self.more()
        if self.buffer.startswith(b"--"):
            while self.body.read():
                pass
            return False
        while b"\r\n" not in self.buffer:
            if self.buffer.strip(b" \t\r"):
                raise BadBody("something stands behind a boundary")
            self.more()
        blanks, _, self.buffer = self.buffer.partition(b"\r\n")
        if blanks.strip(b" \t"):
            raise BadBody("something stands behind a boundary")
        return True

    def headers(self) -> tuple[str, str]:
        """The names of field and file of the part that begins; BadBody when its headers are none."""
        self.buffer = b"\r\n" + self.buffer
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > MOST_HEADERS:
                raise BadBody("the headers of a part have no end")
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n"):
            if line.lower().startswith("content-disposition:"):
                _, options = parse_header_parameters(line.partition(":")[2].strip())
                if options.get("name"):
                    return options["name"], _unescaped(options.get("filename", ""))
        raise BadBody("a part without a name")


def _unescaped(name: str) -> str:
    """A file name as its sender meant it: without folders, without the escapes of browsers."""
    plain = name.replace("%22", '"').replace("%0D", "").replace("%0A", "")
    return plain.rpartition("/")[2].rpartition("\\")[2]


def _length(request: HttpRequest) -> int:
    try:
        return max(0, int(request.META.get("CONTENT_LENGTH") or 0))
    except ValueError:
        raise BadBody("the length is no number") from None
