"""A phone of OpenRosa's kind: forms as published, bodies as clients write them, requests as they send them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from django.test import Client
from django.utils import timezone

from huqing.visits.models import Form, FormMedia, FormVersion, Submission

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openrosa"
BOUNDARY = "------------------------8f3a"
VERSION = {"X-OpenRosa-Version": "1.0"}
NAMESPACES = {
    "list": "http://openrosa.org/xforms/xformsList",
    "manifest": "http://openrosa.org/xforms/xformsManifest",
    "response": "http://openrosa.org/http/response",
}
# Files by their first bytes, which is all that is looked at but for pictures.
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 40
Part = tuple[str, str, bytes]


def form_xml(name: str) -> str:
    """An XForm of ODK Central's own tests."""
    return (FIXTURES / f"form_{name}.xml").read_bytes().decode()


def instance_xml(name: str) -> bytes:
    """A filled form of ODK Central's own tests."""
    return (FIXTURES / f"instance_{name}.xml").read_bytes()


def publish(
    xform: str,
    *,
    title: str | None = None,
    method: Any = None,
    visit: str = "",
    media: Mapping[str, bytes] | None = None,
    conversion: Mapping[str, Any] | None = None,
) -> FormVersion:
    """A published version of an XForm as it is, converted from nothing."""
    root = re.search(r"<instance>\s*<[\w:.-]+([^>]*)>", xform)
    assert root
    form_id, version = (_attribute(root[1], name) for name in ("id", "version"))
    told = re.search(r"<h:title>(.*?)</h:title>", xform)
    form, _ = Form.objects.get_or_create(
        form_id=form_id,
        defaults={
            "title": (told[1].strip() if told else "") if title is None else title,
            "method": method,
            "visit": visit,
        },
    )
    made = FormVersion.objects.create(
        form=form,
        version=version,
        xform=xform,
        md5=_md5(xform.encode()),
        conversion=dict(conversion or {}),
        published_at=timezone.now(),
    )
    for name, content in (media or {}).items():
        FormMedia.objects.create(version=made, name=name, kind="text/csv", content=content, md5=_md5(content))
    return made


def multipart(
    xml: bytes | None, files: Iterable[Part] = (), *, incomplete: bool = False, xml_first: bool = True
) -> bytes:
    """The body of a submission: (field, file name, content) per attachment."""
    parts: list[Part] = list(files)
    if xml is not None:
        parts.insert(0 if xml_first else len(parts), ("xml_submission_file", "submission.xml", xml))
    made = [_part(*part) for part in parts]
    if incomplete:
        made.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="*isIncomplete*"\r\n\r\nyes\r\n'.encode())
    return b"".join(made) + f"--{BOUNDARY}--\r\n".encode()


def _part(name: str, filename: str, content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n"


def attached(name: str, content: bytes) -> Part:
    """A part as clients write it: the field is named after the file."""
    return name, name, content


@dataclass
class Phone:
    """What holds a link and speaks the protocol; ``key`` None has no link."""

    key: str | None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    headers: dict[str, str] = field(default_factory=lambda: dict(VERSION))

    def path(self, rest: str) -> str:
        return f"/{rest}" if self.key is None else f"/key/{self.key}/{rest}"

    def get(self, rest: str, **headers: str) -> Any:
        path = rest if rest.startswith("/key/") else self.path(rest)
        return self.client.get(path, headers={**self.headers, **headers})

    def head(self, rest: str = "submission") -> Any:
        return self.client.head(self.path(rest), headers=self.headers)

    def send(self, xml: bytes | None, *files: Part, query: str = "", **options: Any) -> Any:
        return self.post(multipart(xml, files, **options), query=query)

    def post(self, body: bytes, kind: str = f"multipart/form-data; boundary={BOUNDARY}", query: str = "") -> Any:
        return self.client.generic(
            "POST", self.path(f"submission{query}"), body, content_type=kind, headers=self.headers
        )

    def listed(self, query: str = "") -> list[dict[str, str]]:
        """The entries of the list of forms, by the names of their elements."""
        answer = self.get(f"formList{query}")
        assert answer.status_code == 200, answer.content.decode()
        return entries(answer.content, "list", "xform")


def entries(content: bytes, space: str, name: str) -> list[dict[str, str]]:
    """The children of every element of a name, as a map; each child's name occurs once."""
    found = []
    for element in ElementTree.fromstring(content).findall(f"{space}:{name}", NAMESPACES):
        names = [child.tag.rpartition("}")[2] for child in element]
        assert len(names) == len(set(names)), names
        found.append({name: child.text or "" for name, child in zip(names, element, strict=True)})
    return found


def told(answer: Any) -> tuple[str, str]:
    """Nature and text of an OpenRosaResponse."""
    root = ElementTree.fromstring(answer.content)
    assert root.tag == f"{{{NAMESPACES['response']}}}OpenRosaResponse"
    message = root.find("response:message", NAMESPACES)
    assert message is not None
    return message.get("nature") or "", message.text or ""


def only() -> Submission:
    """The one submission there is."""
    return Submission.objects.get()


def _attribute(text: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', text)
    return found[1] if found else ""


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
