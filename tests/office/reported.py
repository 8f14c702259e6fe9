"""Published forms and submissions for pages to show, made without the phone."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import zlib
from typing import Any

from huqing.packs.forms import convert
from huqing.packs.shipped import FOLDER
from huqing.visits.conversions import as_data
from huqing.visits.models import Form, FormVersion, Submission

NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
DAY = dt.date(2024, 5, 30)
_numbers = itertools.count(1)


def publish(text: str, *, name: str = "form.md", kind: str = "", form: Form | None = None) -> FormVersion:
    """A version of a form written in Markdown."""
    made = convert(text.encode(), name)
    assert made.form is not None, made.problems
    told = made.form
    form = form or Form.objects.create(form_id=told.form_id, title=told.title, visit_kind=kind)
    return FormVersion.objects.create(
        form=form,
        version=told.version,
        source_name=name,
        source=text.encode(),
        xform=told.xml,
        md5=hashlib.md5(told.xml.encode()).hexdigest(),
        conversion=as_data(told),
        published_at=NOW + dt.timedelta(minutes=next(_numbers)),
    )


def shipped(method: str, name: str, kind: str = "") -> FormVersion:
    """A form of a shipped method."""
    return publish((FOLDER / method / "forms" / f"{name}.md").read_text(encoding="utf-8"), name=f"{name}.md", kind=kind)


def submit(version: FormVersion, user: Any, answers: dict[str, Any], household: Any = None, **more: Any) -> Submission:
    """One submission as it lies in the database after it came."""
    instance = more.pop("instance_id", f"uuid:{next(_numbers):08d}")
    code = household.region_code if household else user.region_code.ljust(12, "0")
    return Submission.objects.create(
        instance_id=instance,
        form=version.form,
        version=version,
        user=user,
        household=household,
        region_code=more.pop("region_code", code),
        visited_on=more.pop("visited_on", DAY),
        xml=zlib.compress(b"<data/>"),
        xml_hash="0" * 64,
        answers=answers,
        received_at=more.pop("received_at", NOW),
        **{"typed": 3, "prefilled": 6, "derived": 1, **more},
    )
