"""What the expressions of an XForm refer to: mistakes that clients pass over in silence, showing blanks.

The engine says what it cannot read or compute. It does not say that a path leads nowhere, that a list is missing, or
that a calculation needs its own result.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree.ElementTree import Element  # only the type; parsing is defusedxml's

from defusedxml.ElementTree import fromstring

BIND = ("calculate", "relevant", "constraint", "required", "readonly")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATH = re.compile(r"(?<![\w)\].*:-])(?:current\(\)\s*/\s*)?(?:/|\.\.?/)[^\s()\[\]=!<>+|,'\"]*")
_INSTANCE = re.compile(r"instance\(\s*(?:'([^']*)'|\"([^\"]*)\")\s*\)")


@dataclass(frozen=True)
class Use:
    """One expression: what it is about, which attribute it stands in, and its text."""

    nodeset: str
    attribute: str
    expression: str


@dataclass(frozen=True)
class Flaw:
    """One mistake: where, and what in plain words is wrong and to be done."""

    use: Use
    problem: str
    remedy: str


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def plain_path(path: str) -> str:
    """A path without the prefixes of its steps."""
    return "/".join(step.rpartition(":")[2] for step in path.split("/"))


class XForm:
    """The parts of an XForm that expressions concern."""

    def __init__(self, xml: str) -> None:
        self.root: Element = fromstring(xml)

    def _all(self, name: str) -> Iterator[Element]:
        return (element for element in self.root.iter() if _local(element.tag) == name)

    @cached_property
    def instances(self) -> list[Element]:
        return list(self._all("instance"))

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every path of the primary instance."""
        found: set[str] = set()

        def walk(element: Element, path: str) -> None:
            found.add(path)
            for child in element:
                walk(child, f"{path}/{_local(child.tag)}")

        for element in self.instances[0] if self.instances else ():
            walk(element, f"/{_local(element.tag)}")
        return frozenset(found)

    @cached_property
    def uses(self) -> list[Use]:
        """Every expression of binds, first values and choice lists."""
        found = []
        for bind in self._all("bind"):
            nodeset = plain_path(bind.get("nodeset", ""))
            found += [Use(nodeset, name, bind.get(name, "")) for name in BIND if bind.get(name)]
        for element in self._all("setvalue"):
            if element.get("value"):
                found.append(Use(plain_path(element.get("ref", "")), "setvalue", element.get("value", "")))
        for element in self.root.iter():
            for child in element:
                if _local(child.tag) == "itemset":
                    about = element.get("ref") or element.get("nodeset") or ""
                    found.append(Use(plain_path(about), "itemset", child.get("nodeset", "")))
        return found

    def flaws(self) -> list[Flaw]:
        """Paths to nowhere, lists there are none of, calculations in circles."""
        lists = {element.get("id") for element in self.instances[1:]}
        found = []
        for use in self.uses:
            for path in references(use):
                if path not in self.paths:
                    name = path.rpartition("/")[2]
                    found.append(
                        Flaw(use, f"公式里的 {path} 不是表单里的题目", f"改成 ${{题目名}} 的写法，或核对“{name}”")
                    )
            for single, double in _INSTANCE.findall(use.expression):
                name = single or double
                if name not in lists and not name.startswith("__last-saved"):
                    found.append(
                        Flaw(
                            use, f"公式用到名单“{name}”，表单里没有这个名单", f"加一行 csv-external {name}，或改正名称"
                        )
                    )
        return [*found, *self._circles()]

    def _circles(self) -> Iterator[Flaw]:
        uses = {use.nodeset: use for use in self.uses if use.attribute == "calculate"}
        graph = {path: [other for other in references(use) if other in uses] for path, use in uses.items()}
        try:
            tuple(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle: list[str] = error.args[1]
            names = " → ".join(path.rpartition("/")[2] for path in reversed(circle))
            yield Flaw(uses[circle[0]], f"公式绕回了自己：{names}", "去掉其中一处引用")


def references(use: Use) -> list[str]:
    """The paths of questions an expression names, made absolute; what only a client can resolve is left out."""
    text = _LITERAL.sub(lambda literal: "'" + " " * (len(literal[0]) - 2) + "'", use.expression)
    depths: list[int] = []
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        depths.append(depth)
    found = []
    for match in _PATH.finditer(text):
        path = re.sub(r"\s", "", match[0])
        current = path.startswith("current()/")
        path = path.removeprefix("current()/").rstrip("/")
        if any(sign in path for sign in ("//", "*", "@", "::", "$")) or path in ("", "."):
            continue
        if not path.startswith("/"):
            if depths[match.start()] and not current:
                continue  # within a filter it starts from the filtered item
            path = _absolute(use, path)
        if path:
            found.append(plain_path(path))
    return list(dict.fromkeys(found))


def _absolute(use: Use, path: str) -> str:
    steps = use.nodeset.strip("/").split("/")
    for step in path.split("/"):
        if step == "..":
            if not steps:
                return ""
            steps.pop()
        elif step != ".":
            steps.append(step)
    return "/" + "/".join(steps) if steps else ""
