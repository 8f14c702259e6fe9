from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from huqing import demo

AS_OF = date(2026, 1, 31)


@dataclass(frozen=True)
class County:
    """A small demo county on disk."""

    folder: Path
    summary: demo.Summary

    @property
    def files(self) -> Path:
        return self.folder / "files"


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    folder = tmp_path_factory.mktemp("county") / "demo"
    return County(folder, demo.write(folder, households=500, as_of=AS_OF))
