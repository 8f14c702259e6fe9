"""A compiled plan: the SQL for one set of rules, parameters, day and region; kept on disk so that it is built once."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from huqing.rules.parameters import Parameters

FLAG = "finding__"


@dataclass(frozen=True)
class Step:
    """One relation the plan builds, in order; ``whole`` ones need the rows of the whole county.

    ``weight`` says about how many bytes it takes for each household.
    """

    name: str
    sql: str
    whole: bool = False
    weight: int = 0


@dataclass(frozen=True)
class Outcome:
    """One finding in the rows of a relation: its flag column and its evidence (name → column), in order."""

    finding: str
    flag: str
    evidence: dict[str, str]
    relation: str


@dataclass(frozen=True)
class Plan:
    """The steps, the snapshot columns they read, and where results are.

    ``outcomes`` maps a subject to its findings, each in a relation with its flag and evidence;
    ``values`` maps an entity to (relation, node name → column) when every intermediate value is kept;
    ``not_run`` maps findings left out to the reason (a parameter without a value).
    """

    steps: tuple[Step, ...]
    columns: dict[str, list[str]]
    outcomes: dict[str, list[Outcome]]
    values: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    county: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    def told(self) -> Iterator[tuple[str, str, list[Outcome]]]:
        """Every relation of results with its subject and the findings it tells."""
        for subject, outcomes in self.outcomes.items():
            for relation in dict.fromkeys(outcome.relation for outcome in outcomes):
                yield subject, relation, [outcome for outcome in outcomes if outcome.relation == relation]

    @property
    def weight(self) -> int:
        """About how many bytes of memory a household takes while it is decided."""
        return sum(step.weight for step in self.steps)

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        return cls(
            steps=tuple(Step(**step) for step in raw["steps"]),
            columns=raw["columns"],
            outcomes={key: [Outcome(**outcome) for outcome in found] for key, found in raw["outcomes"].items()},
            values={key: (value[0], value[1]) for key, value in raw["values"].items()},
            county=raw["county"],
            not_run=raw["not_run"],
        )


@cache
def sources_digest(packages: tuple[str, ...]) -> str:
    """A hash over the rule sources and the versions of the engines they are compiled with."""
    digest = hashlib.sha256()
    for name in ("ibis-framework", "duckdb", "sqlglot"):
        digest.update(f"{name}={metadata.version(name)}\n".encode())
    for folder in (Path(__file__).parent, *(package_folder(package) for package in packages)):
        for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.yaml")]):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(file.read_bytes())
    standards = Path(__file__).parent.parent / "standards"
    for file in sorted([*standards.glob("*.py"), *standards.rglob("kinds/*.yaml")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def package_folder(package: str) -> Path:
    """Where a rule package is installed, without importing it."""
    from importlib.util import find_spec

    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"找不到规则包 {package}，请检查安装。")
    return Path(next(iter(spec.submodule_search_locations)))


def plan_key(version: str, parameters: Parameters, day: datetime.date, region: str, *extra: str) -> str:
    """The name under which a plan is cached."""
    return hashlib.sha256("|".join([version, parameters.digest(), str(day), region, *extra]).encode()).hexdigest()[:32]


def read_plan(folder: Path, key: str) -> Plan | None:
    """The cached plan, or None if there is none that can be read."""
    try:
        return Plan.from_json((folder / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_plan(folder: Path, key: str, plan: Plan) -> None:
    """Keep the plan; a folder that cannot be written only costs time, so that is no error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(plan.to_json())
        os.replace(name, folder / f"{key}.json")
    except OSError:
        return
