"""What a phone sends: a form opened, prefilled, answered and closed in the real engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence

from huqing.visits.enginecheck import SCRIPT, node
from huqing.visits.models import FormVersion


def filled(
    forms: Sequence[tuple[FormVersion, Mapping[str, bytes], Mapping[str, str]]],
) -> list[bytes]:
    """The records of forms, each given with its lists and with answers by reference (``/data/members[2]/health``)."""
    request = {
        "open": [
            {"xml": version.xform, "files": {name: text.decode() for name, text in lists.items()}, "answers": answers}
            for version, lists, answers in forms
        ]
    }
    done = subprocess.run(
        [node(), str(SCRIPT)], input=json.dumps(request), capture_output=True, encoding="utf-8", check=True, env={}
    )
    return [xml.encode() for xml in json.loads(done.stdout)["results"]]
