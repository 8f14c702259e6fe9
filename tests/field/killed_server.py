"""The product served by processes of its own, so that it can be killed as a power cut would; run as a script it
prepares the data folder and answers questions about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.serving import held_port

ROOT = Path(__file__).parents[2]
READY = 120  # seconds that a server may take to start on a machine that does much else


class Server:
    """``origin`` is where it listens, ``token`` a link into it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "server"
        self.data.mkdir()
        self._holding = ExitStack()
        self.port = self._holding.enter_context(held_port())
        self.origin = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "HUQING_DATABASE"},
            "HUQING_DATA": str(self.data),
            "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def __enter__(self) -> Server:
        self.token = self._ask("prepare")
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._holding.close()

    def start(self) -> None:
        """Listen, and wait until it answers."""
        command = [sys.executable, "-m", "gunicorn", "huqing.site.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--workers", "2", "--threads", "2", "--worker-class", "gthread", "--log-level", "critical"]
        self.process = subprocess.Popen(command, env=self.environment, start_new_session=True, cwd=self.data)
        end = time.monotonic() + READY
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{self.origin}/field/", timeout=READY).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError("the server never came up")

    def kill(self) -> None:
        """End it and its children at once, without a word."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def records(self) -> list[str]:
        """What was written in the records that arrived."""
        return json.loads(self._ask("records"))

    def _ask(self, what: str) -> str:
        done = subprocess.run(
            [sys.executable, __file__, what], env=self.environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]


def prepare() -> str:
    """A new database with one village, one household, one form and one link; returns the link's token."""
    from django.core.management import call_command
    from django.utils import timezone
    from tests.visits import building

    from huqing.access.instance import mark_demo
    from huqing.access.models import Role, User
    from huqing.registry.models import Household, Region
    from huqing.visits import links

    mark_demo(Path(os.environ["HUQING_DATA"]))
    call_command("migrate", verbosity=0)
    above: Any = None
    for code, name, level in (
        ("500236000000", "奉节县", Region.Level.COUNTY),
        ("500236101000", "朱衣镇", Region.Level.TOWN),
        ("500236101201", "砚瓦村", Region.Level.VILLAGE),
    ):
        above = Region.objects.create(code=code, name=name, level=level, parent=above)
    Household.objects.create(
        number="T0001", village=above, region_code=above.code, head_name="张大山", updated_at=timezone.now()
    )
    form = building.text("| | text | note | 走访情况 | | | |", form_id="home_visit", title="入户走访")
    building.stored(building.converted(form))
    user = User.objects.create(username="cun", display_name="村干部", role=Role.VILLAGE, region_code=above.code)
    return links.create_link(user=user, label="手机", by=user)[1]


def records() -> str:
    """The notes of all records, as JSON."""
    from huqing.visits.models import Submission

    found = [value for row in Submission.objects.all() for path, value in row.answers.items() if path.endswith("/note")]
    return json.dumps(sorted(found))


if __name__ == "__main__":
    import django

    django.setup()
    print({"prepare": prepare, "records": records}[sys.argv[1]]())
