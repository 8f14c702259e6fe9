"""Habits of the house that a machine can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "huqing").rglob("*.py"))
HAND_WRITTEN = [path for path in SOURCES if "migrations" not in path.parts]
LARGEST_MODULE = 400
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|# type: ignore$|# noqa$")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=name)
def test_no_module_outgrows_a_reader(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LARGEST_MODULE, f"{name(path)} has {lines} lines: it is asking to be two modules"


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip() and path.name != "apps.py":
        assert text.lstrip().startswith(('"""', "# ruff: noqa")), f"{name(path)} has no module docstring"


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=name)
def test_no_leftovers_and_no_blanket_silencing(path: Path) -> None:
    found = [line for line in path.read_text(encoding="utf-8").splitlines() if LEFTOVER.search(line)]
    assert not found, f"{name(path)}: {found}"


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_locks_are_hashed_and_name_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9_.\-]+(?:\[.*\])?==\S+", text, re.MULTILINE)
    hashed = re.findall(r"^[a-z0-9_.\-]+(?:\[.*\])?==[^\n]*\\\n +--hash=sha256:", text, re.MULTILINE)
    assert len(pins) > 20
    assert len(hashed) == len(pins)
    assert not re.search(r"https?://|--index-url|--find-links", text)


def test_no_migration_is_empty_of_operations() -> None:
    for path in SOURCES:
        if "migrations" in path.parts and path.name != "__init__.py":
            assert "migrations." in path.read_text(encoding="utf-8"), name(path)
