"""The committed browser assets are what the sources in the tree build."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("check_assets", ROOT / "tools" / "check_assets.py")
check_assets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_assets)


def test_built_assets_are_current() -> None:
    assert check_assets.problems() == []


@pytest.fixture
def copy(tmp_path):
    """A small tree of sources and what was built from them."""
    assets, dist = tmp_path / "assets", tmp_path / "dist"
    (assets / "src").mkdir(parents=True)
    dist.mkdir()
    for name in check_assets.TOP_LEVEL:
        (assets / name).write_text("1")
    (assets / "src" / "app.js").write_text("let a = 1")
    (dist / "app.js").write_text("let a=1")
    built = {"app.js": check_assets._sha256(b"let a=1")}
    manifest = {"sources": check_assets.source_hash(assets), "icons": [], "files": built}
    (dist / "manifest.json").write_text(json.dumps(manifest))
    return assets, dist


def test_a_changed_source_or_bundle_is_noticed(copy) -> None:
    assets, dist = copy
    assert check_assets.problems(assets, dist) == []
    (assets / "src" / "app.js").write_text("let a = 2")
    assert "有改动" in check_assets.problems(assets, dist)[0]
    (assets / "src" / "app.js").write_text("let a = 1")
    (dist / "app.js").write_text("let a=3")
    assert "不一致" in check_assets.problems(assets, dist)[0]
    (dist / "app.js").unlink()
    (dist / "left.js").write_text("")
    assert check_assets.problems(assets, dist) == ["缺少 app.js", "多出 left.js"]


def test_nothing_a_browser_loads_comes_from_elsewhere() -> None:
    for path in check_assets.DIST.glob("*.css"):
        assert "http" not in path.read_text(encoding="utf-8")
        assert "data:" not in path.read_text(encoding="utf-8")
        assert "@font-face" not in path.read_text(encoding="utf-8")
    lock = (ROOT / "assets" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
