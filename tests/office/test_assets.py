"""The committed browser assets are what the sources in the tree build."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("check_assets", ROOT / "tools" / "check_assets.py")
check_assets = importlib.util.module_from_spec(spec)
sys.modules["check_assets"] = check_assets
spec.loader.exec_module(check_assets)


@pytest.mark.parametrize("name", check_assets.BUNDLES)
def test_built_assets_are_current(name) -> None:
    assert check_assets.problems(check_assets.BUNDLES[name]) == []


@pytest.fixture
def copy(tmp_path):
    """A small tree of sources and what was built from them."""
    bundle = check_assets.Bundle(
        folder=tmp_path / "assets", dist=tmp_path / "dist", top_level=("build.mjs",), folders=("src", "public")
    )
    for name in bundle.folders:
        (bundle.folder / name).mkdir(parents=True)
    bundle.dist.mkdir()
    (bundle.folder / "build.mjs").write_text("1")
    (bundle.folder / "public" / "icon.svg").write_text("1")
    (bundle.folder / "src" / "app.js").write_text("let a = 1")
    (bundle.dist / "app.js").write_text("let a=1")
    built = {"app.js": check_assets._sha256(b"let a=1")}
    manifest = {"sources": check_assets.source_hash(bundle), "files": built}
    (bundle.dist / "manifest.json").write_text(json.dumps(manifest))
    return bundle


def test_a_changed_source_or_bundle_is_noticed(copy) -> None:
    source, built = copy.folder / "src" / "app.js", copy.dist / "app.js"
    assert check_assets.problems(copy) == []
    source.write_text("let a = 2")
    assert "有改动" in check_assets.problems(copy)[0]
    source.write_text("let a = 1")
    (copy.folder / "public" / "second.svg").write_text("2")
    assert "有改动" in check_assets.problems(copy)[0]
    (copy.folder / "public" / "second.svg").unlink()
    built.write_text("let a=3")
    assert "不一致" in check_assets.problems(copy)[0]
    built.unlink()
    (copy.dist / "left.js").write_text("")
    assert check_assets.problems(copy) == ["缺少 app.js", "多出 left.js"]


@pytest.mark.parametrize("name", check_assets.BUNDLES)
def test_nothing_a_browser_loads_comes_from_elsewhere(name) -> None:
    bundle = check_assets.BUNDLES[name]
    for path in bundle.dist.glob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""url\(["']?(https?:)?//|@import""", text)
        if name == "office":
            assert "data:" not in text
            assert "@font-face" not in text
    lock = (bundle.folder / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
