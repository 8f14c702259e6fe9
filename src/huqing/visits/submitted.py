"""What a phone sent, read without trusting it: the XML of one filled form, as plain answers.

XForm instances are small trees without attributes that matter, so they are read by expat directly: no document type,
no entity, nothing from elsewhere, bounded in size, depth and number of elements. Prefixes are only looked through,
because clients send them undeclared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from huqing.visits.models import FormVersion

LARGEST = 5 * 2**20
DEEPEST = 64
MOST_ELEMENTS = 200_000
LONGEST_ID = 255
TIMES = ("start", "end", "today")


class Malformed(ValueError):
    """Bytes are no filled form; ``reason`` says why, in Chinese."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass
class Element:
    """One element of an instance: its name without prefix, its text, what is in it."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def first(self, name: str) -> Element | None:
        """The first child of this name."""
        return next((child for child in self.inside if child.name == name), None)


@dataclass(frozen=True)
class Shape:
    """What of a form's instances is a list, a file or a time, by path: all that answers cannot say of themselves."""

    repeats: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    times: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsed:
    """A filled form.

    ``answers`` maps the path of a question to its text ("": asked and left blank; not there: not asked), the path of a
    repeat to a list of such maps. ``attachments`` are the names of the files it refers to, ``phone_times`` what the
    phone's clock said (start, end, today). Until ``under`` is told which version this is, lists are only what came more
    than once, and there are no attachments and times.
    """

    form_id: str
    version: str
    instance_id: str
    deprecated_id: str
    root: Element
    answers: dict[str, Any] = field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    phone_times: dict[str, str] = field(default_factory=dict)

    def under(self, version: FormVersion) -> Parsed:
        """The same, read as an instance of this version."""
        shape = shape_of(version.xform)
        reading = _Reading(shape)
        answers = reading.answers(self.root)
        return replace(
            self, answers=answers, attachments=tuple(dict.fromkeys(reading.named)), phone_times=reading.times
        )


def parse(xml: bytes, version: FormVersion | None = None) -> Parsed:
    """The form, version, identity and answers in ``xml``; Malformed with a reason for whatever else it is."""
    root = _tree(xml)
    form_id = root.attributes.get("id", "").strip() or root.attributes.get("xmlns", "").strip()
    if not form_id:
        raise Malformed("没有写明是哪一张表单（根元素缺少 id）")
    meta = root.first("meta")
    parsed = Parsed(
        form_id=form_id,
        version=root.attributes.get("version", "").strip(),
        instance_id=_identity(meta, "instanceID") or root.attributes.get("instanceID", "").strip(),
        deprecated_id=_identity(meta, "deprecatedID"),
        root=root,
    )
    if not parsed.instance_id:
        raise Malformed("没有记录编号（instanceID）")
    if len(parsed.instance_id) > LONGEST_ID:
        raise Malformed(f"记录编号（instanceID）超过 {LONGEST_ID} 个字符")
    if version is not None:
        return parsed.under(version)
    return replace(parsed, answers=_Reading(Shape()).answers(root))


def _identity(meta: Element | None, name: str) -> str:
    found = meta.first(name) if meta else None
    return found.text.strip() if found else ""


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Builder:
    """Collects expat's events into elements."""

    def __init__(self) -> None:
        self.open: list[Element] = []
        self.root: Element | None = None
        self.count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse
        self.parser.ExternalEntityRefHandler = self.refuse

    def refuse(self, *_: object) -> int:
        raise Malformed("含有文档类型或实体声明，不接收")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.open) >= DEEPEST:
            raise Malformed("层次太深或项目太多，不像一张填好的表单")
        local = {key if key == "xmlns" else _local(key): value for key, value in attributes.items()}
        element = Element(_local(name), local)
        if self.open:
            self.open[-1].inside.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text


def _tree(xml: bytes) -> Element:
    if len(xml) > LARGEST:
        raise Malformed(f"超过 {LARGEST >> 20} MB，不像一张填好的表单")
    builder = _Builder()
    try:
        builder.parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise Malformed(f"不是完整的 XML（第 {error.lineno} 行第 {error.offset + 1} 列）") from None
    except (LookupError, ValueError, UnicodeError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed("文字编码读不出来，应为 UTF-8") from None
    if builder.root is None:
        raise Malformed("内容是空的")
    return builder.root


class _Reading:
    """Turns one instance into answers, noting files and times on the way."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.named: list[str] = []
        self.times: dict[str, str] = {}

    def answers(self, root: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._into(found, root, f"/{root.name}")
        return found

    def _into(self, found: dict[str, Any], element: Element, path: str) -> None:
        names = [child.name for child in element.inside]
        for child in element.inside:
            below = f"{path}/{child.name}"
            if child.name == "meta" and path.count("/") == 1:
                self._meta(child, below)
                continue
            if below in self.shape.repeats or names.count(child.name) > 1:
                turns = found.setdefault(below, [])
                if isinstance(turns, list) and "template" not in child.attributes:
                    turns.append(turn := {})
                    self._into(turn, child, below)
                    if not child.inside and child.text.strip():
                        turn[below] = child.text
            elif child.inside:
                self._into(found, child, below)
            else:
                self._leaf(found, child, below)

    def _leaf(self, found: dict[str, Any], element: Element, path: str) -> None:
        text = element.text if element.text.strip() else ""
        found[path] = text
        if text and path in self.shape.files:
            self.named.append(text.strip())
        if text and path in self.shape.times:
            self.times[self.shape.times[path]] = text.strip()

    def _meta(self, meta: Element, path: str) -> None:
        """Files (an audit) and times may stand in the meta block; its identities are no answers."""
        for child in meta.inside:
            self._leaf({}, child, f"{path}/{child.name}")


@lru_cache(maxsize=256)
def shape_of(xform: str) -> Shape:
    """Repeats, files and times of an XForm; of one that is not well-formed, what stands before the mistake."""
    repeats: set[str] = set()
    files: set[str] = set()
    times: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        given = {_local(key): value for key, value in attributes.items()}
        path = "/".join(map(_local, (given.get("nodeset") or given.get("ref") or "").split("/")))
        match _local(name):
            case "repeat":
                repeats.add(path)
            case "upload":
                files.add(path)
            case "bind" if given.get("type") == "binary":
                files.add(path)
            case "bind" if given.get("preload") == "timestamp" and given.get("preloadParams") in TIMES:
                times[path] = given["preloadParams"]
            case "bind" if given.get("preload") == "date":
                times[path] = "today"

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(xform.encode(), True)
    return Shape(frozenset(repeats), frozenset(files), times)
