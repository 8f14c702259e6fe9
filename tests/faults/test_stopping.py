"""Stopping the server, politely or not: the port is free again and no process is left, whatever browsers keep open."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.faults.test_installations import ENVIRONMENT, huqing
from tests.serving import held_port

pytestmark = pytest.mark.slow
READY, GONE = 180, 90  # seconds that are waited at most


def processes(address: str) -> list[str]:
    """The processes whose command line names the address."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().decode()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if address in command and state != "Z":
                found.append(f"{entry.name} {command[:60]}")
    return found


def until(condition: object, seconds: int) -> bool:
    """Ask again until it holds; False when time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    assert huqing(folder, "init").returncode == 0
    return folder


@pytest.fixture
def served(installation) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The server on a free port, with five browsers that keep their connections."""
    with held_port() as port:
        yield from serving(installation, port)


def serving(installation: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "huqing.cli", "serve", "--address", address, "--no-worker"]
    running = subprocess.Popen(command, env={**ENVIRONMENT, "HUQING_DATA": str(installation)})
    connections = []

    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", "/account/login/")
            connection.getresponse().read()
        except OSError:
            connection.close()
            return False
        connections.append(connection)
        return len(connections) == 5

    try:
        assert until(answers, READY)
        yield running, address
    finally:
        for connection in connections:
            connection.close()
        running.kill()
        running.wait()
        for line in processes(address):
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda sent: sent.name)
def test_a_stopped_server_leaves_no_process_behind(served, sent):
    running, address = served
    assert len(processes(address)) >= 3
    running.send_signal(sent)
    running.wait(GONE)
    assert until(lambda: not processes(address), GONE), processes(address)
