"""Forms as published, records as phones send them."""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from django.utils import timezone

from huqing.access.models import User
from huqing.packs.forms import Converted, convert
from huqing.rules.library import library
from huqing.visits import flow
from huqing.visits.conversions import as_data, form_of
from huqing.visits.landing import facts, parse
from huqing.visits.models import Form, FormVersion, Submission

HEADER = "| | type | name | label | reads | writes | relevant |"
PICK = "| | select_one_from_file household.csv | household | 哪一户 | household | | |"


def text(*rows: str, version: str = "1", form_id: str = "f", title: str = "试") -> str:
    """A form in Markdown that chooses a household first; rows: type, name, label, reads, writes, relevant."""
    return (
        f"| survey |\n{HEADER}\n{PICK}\n"
        + "\n".join(rows)
        + f"\n| settings |\n| | form_title | form_id | version |\n| | {title} | {form_id} | {version} |\n"
    )


def converted(source: str) -> Converted:
    """The conversion of a sound form."""
    result = convert(source.encode(), "f.md", library(()).parameters)
    assert result.form is not None, result.problems
    assert not result.problems, result.problems
    return result.form


def stored(form: Converted, *, visit_kind: str = "1") -> FormVersion:
    """A published version of a form; what is published by whom does not matter here."""
    row, _ = Form.objects.get_or_create(
        form_id=form.form_id, defaults={"title": form.title, "visit_kind": visit_kind, "visit": ""}
    )
    return FormVersion.objects.create(
        form=row,
        version=form.version,
        xform=form.xml,
        md5=hashlib.md5(form.xml.encode()).hexdigest(),
        conversion=as_data(form),
        published_at=timezone.now(),
    )


def instance(version: FormVersion, answers: Mapping[str, Any], uuid: str, *, edits: str = "", meta: str = "") -> bytes:
    """The XML of a filled form; ``answers`` by name of the question, of a repeat as a list, of a group as a map.

    What ``answers`` does not name was not asked.
    """
    deprecated = f"<deprecatedID>{edits}</deprecatedID>" if edits else ""
    body = _inside(answers)
    return (
        f'<?xml version="1.0"?><data id="{version.form.form_id}" version="{version.version}">{body}'
        f"<meta><instanceID>{uuid}</instanceID>{deprecated}{meta}</meta></data>"
    ).encode()


def _inside(answers: Mapping[str, Any]) -> str:
    made = []
    for name, value in answers.items():
        for one in value if isinstance(value, list) else [value]:
            inner = _inside(one) if isinstance(one, Mapping) else escape("" if one is None else str(one))
            made.append(f"<{name}>{inner}</{name}>")
    return "".join(made)


def send(
    version: FormVersion,
    answers: Mapping[str, Any],
    user: User,
    *,
    uuid: str = "uuid:1",
    replaces: Submission | None = None,
    today: dt.date | None = None,
    received_at: dt.datetime | None = None,
    meta: str = "",
) -> Submission:
    """A record that has come in and been landed."""
    edits = replaces.instance_id if replaces else ""
    xml = instance(version, answers, uuid, edits=edits, meta=meta)
    return received(version, xml, user, replaces=replaces, today=today, received_at=received_at)


def received(
    version: FormVersion,
    xml: bytes,
    user: User,
    *,
    replaces: Submission | None = None,
    today: dt.date | None = None,
    received_at: dt.datetime | None = None,
) -> Submission:
    """A record that has come in and been landed, from its XML."""
    parsed = parse(xml, version)
    told = facts(version, parsed, today=today)
    if replaces:
        replaces.state = Submission.State.REPLACED
        replaces.save(update_fields=["state"])
    submission = Submission.objects.create(
        instance_id=parsed.instance_id,
        form=version.form,
        version=version,
        replaces=replaces,
        user=user,
        xml=zlib.compress(xml),
        xml_hash=hashlib.sha256(xml).hexdigest(),
        received_at=received_at or timezone.now(),
        **{**told, "region_code": told["region_code"] or user.region_code},
    )
    flow.received(submission)
    submission.refresh_from_db()
    return submission


__all__ = ["converted", "form_of", "instance", "received", "send", "stored", "text"]
