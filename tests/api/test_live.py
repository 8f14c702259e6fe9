"""Phones at the real web server, on a database of its own: chunks, lengths, many at once, killed workers."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.api.phone import BOUNDARY, FILM, attached, instance_xml, multipart
from tests.api.pictures import jpeg
from tests.serving import held_port

from huqing.api.openrosa import MOST_BYTES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
XML = instance_xml("binaryType_two")
READY = 120  # seconds that a server may take to start or to stop on a machine that does much else
HEADERS = {"X-OpenRosa-Version": "1.0", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@dataclass
class Server:
    """A server under test: where it listens, the phone's token, its data folder and database."""

    port: int
    token: str
    folder: Path
    database: str
    log: Path

    def ask(self, method: str, rest: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        chunked, path = body is not None and not isinstance(body, bytes), f"/key/{self.token}/{rest}"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY)) as connection:
            connection.request(method, path, body, {**HEADERS, **headers}, encode_chunked=chunked)
            answer = connection.getresponse()
            answer.content = answer.read()  # type: ignore[attr-defined]
        return answer

    def send(self, name: str, content: bytes = b"") -> int:
        """Send a record with a photo under an identity of its own; the status."""
        xml = XML.replace(b"btwo", name.encode())
        return self.ask("POST", "submission", multipart(xml, [attached("here_is_file2.jpg", content or jpeg())])).status

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """State and digests of what is stored under an identity."""
        query = (
            "SELECT s.state, a.sha256 FROM visits_submission s LEFT JOIN visits_attachment a "
            f"ON a.submission_id = s.id WHERE s.instance_id = '{name}'"
        )
        if self.database.startswith("sqlite"):
            with sqlite3.connect(self.folder / "huqing.sqlite3") as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.database) as server:
            return server.execute(query).fetchall()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("live")
    url = os.environ.get("HUQING_DATABASE", "")
    if not url.startswith("postgres"):
        yield from started(folder, f"sqlite:///{folder}/huqing.sqlite3")
        return
    name = f"huqing_live_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield from started(folder, urlsplit(url)._replace(path=f"/{name}").geturl())
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def started(folder: Path, database: str) -> Iterator[Server]:
    environment = {
        **os.environ,
        "HUQING_DATA": str(folder),
        "HUQING_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.api.live_installation"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert prepared.returncode == 0, prepared.stderr
    log = folder / "log"
    with held_port() as port, log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.api.live_installation:application", "--workers", "2",
             "--worker-class", "gthread", "--threads", "8", "--bind", f"127.0.0.1:{port}", "--access-logfile", "-",
             "--no-control-socket", "--config", "python:huqing.site.web"],
            cwd=ROOT, env=environment, stdout=file, stderr=file,
        )  # fmt: skip
        try:
            made = Server(port, prepared.stdout.split()[-1], folder, database, log)
            until_up(made)
            yield made
        finally:
            process.terminate()
            process.wait(READY)


def until_up(server: Server) -> None:
    end = time.monotonic() + READY
    while time.monotonic() < end:
        try:
            assert server.ask("HEAD", "submission").status == 204
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(server.log.read_text(encoding="utf-8"))


def test_an_answer_has_one_date(server):
    answer = server.ask("GET", "formList")
    assert answer.status == 200
    assert len(answer.headers.get_all("Date")) == 1


def test_a_body_in_chunks_is_taken(server):
    body = multipart(XML.replace(b"btwo", b"chunked"), [attached("here_is_file2.jpg", jpeg())])
    answer = server.ask("POST", "submission", iter([body[:50], body[50:700], body[700:]]))
    assert answer.status == 201, answer.content
    assert len(server.rows("chunked")) == 1


def test_more_than_may_come_is_refused_at_once(server):
    """Before anything of the body is waited for: the sender here sends no more and keeps the line open."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=READY) as link:
        lines = [
            f"POST /key/{server.token}/submission HTTP/1.1",
            "Host: 127.0.0.1",
            f"Content-Length: {MOST_BYTES * 50}",
        ]
        lines += [f"{name}: {value}" for name, value in HEADERS.items()]
        link.sendall("\r\n".join([*lines, "", ""]).encode() + b"x" * 1000)
        assert link.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_breaks_off_leaves_nothing(server):
    body = multipart(XML.replace(b"btwo", b"broken"), [attached("here_is_file2.jpg", FILM * 1000)])
    with socket.create_connection(("127.0.0.1", server.port), timeout=READY) as link:
        lines = [f"POST /key/{server.token}/submission HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in HEADERS.items()]
        link.sendall("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])
        link.shutdown(socket.SHUT_WR)
        assert b" 400 " in link.recv(100)
    assert server.rows("broken") == []
    assert server.send("broken") == 201


def test_eight_at_once_store_a_record_once(server):
    start, answers = threading.Barrier(8), []

    def send() -> None:
        start.wait()
        answers.append(server.send("eight"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 8
    assert len(server.rows("eight")) == 1


@pytest.mark.parametrize("point", ["file stored", "record written", "committed"])
def test_a_killed_worker_leaves_no_half_record(point, server):
    name = point.replace(" ", "-")
    (server.folder / "die").write_text(point)
    with pytest.raises((OSError, http.client.HTTPException)):
        server.send(name, jpeg((100, 50)))
    assert not (server.folder / "die").exists()
    left = server.rows(name)
    assert len(left) == (1 if point == "committed" else 0)
    assert all(digest for _, digest in left)
    assert server.send(name, jpeg((100, 50))) == 201
    ((state, digest),) = server.rows(name)
    assert (state, len(digest)) == ("received", 64)


def test_the_token_is_not_in_what_the_server_logged(server):
    logged = server.log.read_text(encoding="utf-8")
    assert "/key/…/submission" in logged
    assert server.token not in logged
