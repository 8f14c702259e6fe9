"""An installation for a real web server: ``python live_installation.py`` prepares it and prints the phone's token.

As ``tests.api.live_installation:application`` gunicorn serves it. A worker that finds a file ``die`` in the data folder
removes it and is killed at the point the file names.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from huqing.access.models import Role, User  # noqa: E402
from huqing.registry.models import Region  # noqa: E402
from huqing.visits import arrivals, links, photos, receiving  # noqa: E402
from huqing.visits.models import Attachment  # noqa: E402


def prepare() -> str:
    from tests.api.phone import form_xml, publish

    call_command("migrate", verbosity=0)
    Region.objects.create(code="500236000000", name="奉节县", level=3)
    clerk = User.objects.create(username="clerk", role=Role.COUNTY, region_code="500236")
    publish(form_xml("binaryType"))
    publish(form_xml("simple"))
    return links.create_link(user=clerk, label="手机", by=clerk)[1]


def die(point: str) -> None:
    marker = Path(settings.DATA) / "die"
    if marker.exists() and marker.read_text() == point:
        marker.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def dying(owner: Any, name: str, point: str, *, after: bool = False) -> None:
    """Let a worker be killed at a function, before it begins or once it is done."""
    work: Callable[..., Any] = getattr(owner, name)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        if not after:
            die(point)
        result = work(*args, **kwargs)
        if after:
            die(point)
        return result

    setattr(owner, name, replaced)


if __name__ == "__main__":
    print(prepare())
else:
    from huqing.site.wsgi import application  # noqa: F401

    dying(photos, "store", "file stored", after=True)
    dying(type(Attachment.objects), "bulk_create", "record written")
    dying(arrivals, "announce", "committed")
    assert receiving.photos is photos
