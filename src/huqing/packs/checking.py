"""A pack as a whole: the method, its forms, parameters and description fit together and with the product's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huqing.packs.errors import PackError, PackProblem
from huqing.packs.forms import Conversion, Converted, convert
from huqing.packs.manifest import EVERYBODY, KeyGroup, Method, Pack, Visit
from huqing.packs.reading import MANIFEST, Reader, form_files
from huqing.rules.errors import RuleError
from huqing.rules.library import Library, Node
from huqing.rules.parameters import Parameter, Parameters, load

PARTS = (MANIFEST, "README.md", "forms", "parameters", "papers", "media")
NUMBERS = ("integer", "decimal", "range", "calculate")
SUBJECT_TITLES = {"household": "农户", "person": "人员", "village": "行政村"}


@dataclass(frozen=True)
class Checked:
    """What a check found: the pack (None if it cannot be used), what is wrong, and what is worth a look."""

    pack: Pack | None
    problems: tuple[PackProblem, ...]
    notes: tuple[PackProblem, ...] = ()


def check_pack(folder: Path, rules: Library) -> Checked:
    """Read and check a pack; ``rules`` are the product's, whose variables say who is visited."""
    return _Check(folder, rules).run()


def read_pack(folder: Path, rules: Library) -> Pack:
    """The pack; PackError with every mistake."""
    checked = check_pack(folder, rules)
    if checked.pack is None:
        raise PackError(list(checked.problems))
    return checked.pack


class _Check:
    def __init__(self, folder: Path, rules: Library) -> None:
        self.folder = folder.resolve()
        self.rules = rules
        self.reader = Reader(self.folder)
        self.notes: list[PackProblem] = []
        self.own: Mapping[str, Parameter] = {}

    @property
    def problems(self) -> list[PackProblem]:
        return self.reader.problems

    def problem(self, file: str, problem: str, remedy: str) -> None:
        self.problems.append(PackProblem(f"{self.folder.name}/{file}", problem, remedy))

    def run(self) -> Checked:
        if not self.folder.is_dir():
            self.problems.append(PackProblem(str(self.folder), "没有这个文件夹", "核对路径"))
            return Checked(None, tuple(self.problems))
        self.files()
        self.own = self.parameters()
        before = len(self.problems)
        method = self.reader.method()
        sound = len(self.problems) == before
        forms = self.forms(self.rules.parameters.with_values(Parameters(self.own.values())))
        readme = self.readme()
        if method and sound:
            self.subjects(method)
            self.uses(method, forms)
        pack = Pack(self.folder, method, forms, self.own, readme) if method and not self.problems else None
        return Checked(pack, tuple(self.problems), tuple(self.notes))

    def files(self) -> None:
        for entry in sorted(self.folder.iterdir()):
            if entry.name not in PARTS and not entry.name.startswith("."):
                self.problem(entry.name, "不是工作法的组成部分", f"只放 {'、'.join(PARTS)}")

    def parameters(self) -> Mapping[str, Parameter]:
        folder = self.folder / "parameters"
        if not folder.is_dir():
            return {}
        try:
            own = load(folder)
            self.rules.parameters.with_values(own)
        except RuleError as error:
            self.problems.append(PackProblem(str(error.place), error.problem, error.remedy))
            return {}
        return dict(own)

    def readme(self) -> str:
        file = self.folder / "README.md"
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.problem("README.md", "没有说明", "写明这个工作法怎么用、依据是什么")
            return ""
        except UnicodeDecodeError:
            self.problem("README.md", "不是 UTF-8 编码的文本", "用 UTF-8 编码另存")
            return ""
        if not text.startswith("# "):
            self.problem("README.md 第 1 行", "没有标题", "第一行写“# 工作法名称”")
        return text

    def forms(self, parameters: Mapping[str, Parameter]) -> dict[str, Converted]:
        made: dict[str, Converted] = {}
        for file in form_files(self.folder):
            if file.stem in made:
                self.problem(f"forms/{file.name}", f"另有一个也叫 {file.stem} 的表单", "换一个文件名")
                continue
            result = convert(file.read_bytes(), file.name, parameters)
            self.told(result)
            if result.form is None:
                continue
            twin = next((stem for stem, other in made.items() if other.form_id == result.form.form_id), None)
            if twin:
                self.problem(
                    f"forms/{file.name}",
                    f"表单编号 {result.form.form_id} 与 {twin} 的相同",
                    "在 settings 换一个 form_id",
                )
            for name in result.form.media:
                if not (self.folder / "media" / name).is_file():
                    self.problem(f"forms/{file.name}", f"用到的附件 {name} 不在 media 文件夹", "放进 media，或删去引用")
            made[file.stem] = result.form
        return made

    def told(self, result: Conversion) -> None:
        forms = f"{self.folder.name}/forms"
        self.problems.extend(problem.in_folder(forms) for problem in result.problems)
        self.notes.extend(note.in_folder(forms) for note in result.notes)

    def subjects(self, method: Method) -> None:
        """Whoever is visited is chosen by a variable that is true or false of a household or person."""
        visited: list[Visit | KeyGroup] = [*method.visits, *method.key_groups]
        for item in visited:
            node = Node(item.subject, item.whom)
            if item.whom == EVERYBODY or node in self.rules.yes_or_no:
                continue
            able = sorted(found.name for found in self.rules.yes_or_no if found.entity == item.subject)
            titled = {self.rules.rules[Node(item.subject, name)].title: name for name in able}
            remedy = (
                f"{item.whom} 写作 {titled[item.whom]}" if item.whom in titled else self.rules.suggest(item.whom, able)
            )
            title = SUBJECT_TITLES[item.subject]
            self.reader.at(
                item, "whom", f"{item.whom} 不是{title}的是非变量", f"写 {EVERYBODY}（全部），或规则里的变量。{remedy}"
            )

    def uses(self, method: Method, forms: Mapping[str, Converted]) -> None:
        """Visits, checklists, duties and indicators name questions their forms have."""
        for visit in method.visits:
            form = forms.get(visit.form)
            if form:
                self.visited(visit, form)
        for group in method.key_groups:
            self.same_subject(method, group)
        for indicator in method.indicators:
            form = forms.get(method.visit(indicator.visit).form)
            question = form.question(indicator.question) if form and indicator.question else None
            if form and indicator.question and (question is None or question.type not in NUMBERS):
                self.reader.at(
                    indicator, "question", f"表单里没有数字题“{indicator.question}”", "改成表单里的整数、小数或计算题"
                )
        for duty in method.duties:
            if duty.parameter and duty.parameter not in {*self.rules.parameters, *self.own}:
                self.reader.at(duty, "parameter", f"没有参数 {duty.parameter}", "在 parameters 文件夹里声明它")
        used = {visit.form for visit in method.visits} | {duty.form for duty in method.duties}
        for stem in sorted(set(forms) - used):
            self.notes.append(PackProblem(f"{self.folder.name}/forms/{stem}", "没有走访用到这张表单", "不用就删去"))

    def visited(self, visit: Visit, form: Converted) -> None:
        if visit.subject not in (form.subjects or {}):
            title = SUBJECT_TITLES[visit.subject]
            self.reader.at(
                visit,
                "form",
                f"走访对象是{title}，表单 {visit.form} 却没有选{title}的题目",
                f"在表单里加一行：题型 select_one_from_file {visit.subject}.csv，reads 写 {visit.subject}",
            )
        for checklist in visit.checklists:
            for item in checklist.items:
                if item.question and form.question(item.question) is None:
                    self.reader.at(
                        visit, "checklists", f"表单 {visit.form} 里没有题目“{item.question}”", "改正 question，或删去它"
                    )

    def same_subject(self, method: Method, group: KeyGroup) -> None:
        visit = method.visit(group.visit)
        if visit.subject != group.subject:
            self.reader.at(group, "subject", "重点人群的对象与它的走访不同", f"写 subject: {visit.subject}")
