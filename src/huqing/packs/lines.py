"""YAML that remembers on which line everything stands, so that an error can name it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from huqing.packs.errors import PackError, PackProblem


class Mapping(dict[str, Any]):
    """A mapping with the line of each of its keys, and of itself."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """The line of a key, or of the mapping if the key is missing."""
        return self.lines.get(key, self.line)


class _Loader(yaml.SafeLoader):
    """Builds ``Mapping`` for every mapping and refuses a key that is written twice."""


class _Twice(yaml.constructor.ConstructorError):
    """A key that is written twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Any:
    made = Mapping(node.start_mark.line + 1)
    yield made
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in made:
            raise _Twice(None, None, f"“{key}”写了两次", key_node.start_mark)
        made[key] = loader.construct_object(value_node, deep=True)
        made.lines[key] = key_node.start_mark.line + 1


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _told(error: yaml.YAMLError) -> tuple[str, str]:
    """What is wrong and what to do; the library's own words are English."""
    if isinstance(error, _Twice):
        return str(error.problem), "删去一处"
    if isinstance(error, yaml.constructor.ConstructorError):
        return "用了标签（!…）、合并（<<）或指向自己的引用（*…），这里不用", "删去，把内容直接写出来"
    return "不是合格的 YAML", "检查缩进、冒号后的空格和引号"


def _deepest(text: str) -> int:
    """The line with the most brackets and the deepest indentation."""
    depths = [line.count("[") + line.count("{") + len(line) - len(line.lstrip()) for line in text.splitlines()]
    return depths.index(max(depths)) + 1


def read(file: Path, name: str) -> Mapping:
    """The content of a YAML file; PackError names ``name`` and the line of what cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PackError([PackProblem(name, "没有这个文件", f"在工作法文件夹中建立 {file.name}")]) from None
    except UnicodeDecodeError:
        raise PackError([PackProblem(name, "不是 UTF-8 编码的文本", "用 UTF-8 编码另存")]) from None
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader underneath
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem, remedy = _told(error)
        raise PackError([PackProblem(f"{name} 第 {line} 行", problem, remedy)]) from error
    except RecursionError:
        told = PackProblem(f"{name} 第 {_deepest(text)} 行", "括号或缩进的层次太深", "照随产品提供的工作法改写")
        # Without the hundreds of frames that led here.
        raise PackError([told]) from None
    if not isinstance(content, Mapping):
        raise PackError([PackProblem(f"{name} 第 1 行", "内容不是“名称: …”的结构", "从 key: 和 title: 写起")])
    return content
