"""A pack: every mistake with file, line and remedy; the shipped methods sound, Chinese and true to their sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from huqing.packs.bindings import SUBJECTS
from huqing.packs.checking import Checked, check_pack, read_pack
from huqing.packs.errors import PackError
from huqing.packs.manifest import Cadence, Pack
from huqing.packs.shipped import FOLDER, ORDER, shipped, shipped_keys
from huqing.rules.library import library

from .writing import METHOD, PICK, form, write_pack

RULES = library(())


def check(folder: Path, *, method: str = "", **files: str) -> Checked:
    texts = {
        name.replace("__", "/").replace("_md", ".md").replace("_yaml", ".yaml"): text for name, text in files.items()
    }
    return check_pack(write_pack(folder, method=method, files=texts), RULES)


def told(checked: Checked) -> str:
    return "\n".join(str(problem) for problem in checked.problems)


def changed(old: str, new: str) -> str:
    assert old in METHOD
    return METHOD.replace(old, new).format(key="trial")


def test_a_sound_pack_is_read(tmp_path: Path) -> None:
    pack = check(tmp_path / "trial").pack
    assert pack is not None
    assert (pack.method.title, list(pack.forms)) == ("试用工作法", ["home"])
    assert pack.method.visits[0].every.text == "每月一次"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: 试用工作法\n", "", "method.yaml 第 1 行：缺少 title"),
        ("version: ", "versoin: ", "第 3 行：不认识的项 versoin。只用 key、title、version"),
        (
            "whom: listed",
            "whom: lsited",
            "第 9 行：lsited 不是农户的是非变量。写 all（全部），或规则里的变量。相近的名字：listed",
        ),
        ("whom: listed", "whom: 脱贫户或监测对象", "脱贫户或监测对象 写作 listed"),
        ("whom: listed", "whom: last_visit_on", "last_visit_on 不是农户的是非变量"),
        ("actor: cadre, form", "actor: kadre, form", "actors 中没有 kadre。改为 cadre 之一"),
        ("form: home", "form: house", "没有表单 forms/house.xlsx（或 .md、.csv）"),
        ("{{months: 1}}", "{{month: 1}}", "间隔 month: 1 写得不对。写成 {months: 1}"),
        ("{{months: 1}}", "{{months: 0}}", "间隔 months: 0 写得不对"),
        ("{{months: 1}}", "{{rounds: [{{title: 首轮, start: 06-30, end: 03-01}}]}}", "轮次的结束早于开始"),
        ("{{months: 1}}", "{{rounds: [{{title: 首轮, start: 6月, end: 03-01}}]}}", "日期 6月 写得不对"),
        ("{{months: 1}}", "monthly", "间隔写得不对"),
        ("title: 走访", "title: 走访, subject: town", "对象 town 不存在。改为 household、person、village 之一"),
        ("title: 走访", "title: 走访, subject: person", "走访对象是人员，表单 home 却没有选人员的题目"),
        ("title: 走访", 'title: 走访, visit_kind: "9"', "走访类别 9 不存在"),
        ("title: 走访", "title: 走访, unchanged_allowed: 可以", "unchanged_allowed 应是 true 或 false"),
        (
            "title: 走访",
            "title: 走访, checklists: [{{title: 清单, items: [{{title: 看, question: none}}]}}]",
            "没有题目“none”",
        ),
        ("key: {key}", "key: Trial", "代号 Trial 不对"),
        ("key: {key}", "key: another", "代号 another 与文件夹名 trial 不同"),
        ("key: {key}\n", "key: {key}\nkey: {key}\n", "第 2 行：“key”写了两次"),
        ("summary: 一种走访", "summary: [一种走访", "不是合格的 YAML"),
        ("summary: 一种走访", "summary: !!python/name:os.system", "第 4 行：用了标签（!…）"),
        ("summary: 一种走访", "summary: " + "[" * 3000 + "]" * 3000, "括号或缩进的层次太深"),
        ("title: 试用工作法", "title: " + "长" * 61, "第 2 行：title 有 61 个字。缩短到 60 个字以内"),
        ("title: 试用工作法", 'title: "试用\\u0000"', "title 里有看不见的控制字符"),
        ("actors:\n", "actors: 干部\nactorz:\n", "actors 应是一列项目"),
        ("source: 测试", "source: 测试\nquotas: [{{actor: cadre, title: 户, count: 1, at_least: 2}}]", "配额没有写清"),
        (
            "source: 测试",
            "source: 测试\nquotas: [{{actor: cadre, title: 户, at_least: 3, at_most: 2}}]",
            "最少户数大于最多户数",
        ),
        (
            "source: 测试",
            "source: 测试\nkey_groups:\n"
            "  - {{key: a, title: 老人, subject: person, whom: aged, visit: home, every: {{months: 1}}}}",
            "重点人群的对象与它的走访不同。写 subject: household",
        ),
        (
            "source: 测试",
            "source: 测试\nduties:\n"
            "  - {{key: a, title: 钱, actor: cadre, unit: 元, every: {{years: 1}}, parameter: nothing}}",
            "没有参数 nothing",
        ),
        (
            "source: 测试",
            "source: 测试\nduties: [{{key: a, title: 钱, actor: cadre, unit: 元, every: {{years: 1}}}}]",
            "没有写明数量",
        ),
        (
            "source: 测试",
            "source: 测试\nindicators: [{{key: a, title: 数, unit: 户, visit: home, counts: sum, question: note}}]",
            "表单里没有数字题“note”",
        ),
        (
            "source: 测试",
            "source: 测试\nindicators: [{{key: a, title: 数, unit: 户, visit: hme, counts: all}}]",
            "不认识的 counts: all",
        ),
        (
            "role: 走访",
            "duties: [hleper], role: 走访",
            "第 7 行：责任台账里没有责任 hleper。改为 helper（帮扶责任人）",
        ),
        ("role: 走访", "duties: [结对教师], role: 走访", "没有责任 结对教师。改为 paired_teacher（结对教师）"),
        ("role: 走访", "duties: [x], role: 走访", "没有责任 x。从这些里选：grid_worker（网格员）"),
        ("role: 走访", "duties: helper, role: 走访", "duties 应是一列责任代号。写成 [helper, resident]"),
        ("source: 测试", "source: 测试\noutline: [{{title: 一, indicators: [x]}}]", "indicators 中没有 x"),
        ("source: 测试", "source: 测试\npapers: [{{key: a, title: 表, template: a.docx}}]", "没有模板 papers/a.docx"),
    ],
)
def test_a_mistake_in_the_method_names_its_line_and_the_remedy(old: str, new: str, said: str, tmp_path: Path) -> None:
    checked = check(tmp_path / "trial", method=changed(old, new))
    assert checked.pack is None
    assert said in told(checked)
    assert re.match(r"trial/method.yaml 第 \d+ 行：", str(checked.problems[0]))


def test_mistakes_of_all_parts_are_told_together(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    checked = check(
        folder,
        method=changed("whom: listed", "whom: everybody"),
        README_md="说明",
        forms__home_md=form(PICK, "| | text | a | 问 | household.x | |"),
        parameters__a_yaml="fund:\n  title: 钱\n",
        notes_md="别的文件",
    )
    text = told(checked)
    for said in (
        "trial/notes.md：不是工作法的组成部分",
        "parameters/a.yaml 第 1 行：参数 fund 缺少 unit",
        "第 9 行：everybody 不是农户的是非变量",
        "trial/forms/home.md 第 4 行（survey 表）“reads”列：户信息表没有字段“x”",
        "trial/README.md 第 1 行：没有标题",
    ):
        assert said in text
    with pytest.raises(PackError) as caught:
        read_pack(folder, RULES)
    assert len(caught.value.problems) == len(checked.problems)


def test_a_folder_without_parts_says_which_are_missing(tmp_path: Path) -> None:
    assert "没有这个文件夹" in told(check_pack(tmp_path / "nothing", RULES))
    (tmp_path / "empty").mkdir()
    text = told(check_pack(tmp_path / "empty", RULES))
    assert "empty/method.yaml：没有这个文件" in text
    assert "empty/README.md：没有说明" in text


def test_two_forms_have_different_numbers_and_media_lie_beside_them(tmp_path: Path) -> None:
    other = form(PICK, "| | select_one_from_file crops.csv | crop | 作物 | | |")
    checked = check(tmp_path / "trial", forms__more_md=other)
    assert "表单编号 f 与 home 的相同" in told(checked)
    assert "用到的附件 crops.csv 不在 media 文件夹" in told(checked)
    assert "没有走访用到这张表单" in "".join(str(note) for note in checked.notes)


def test_a_packs_own_amounts_are_read_by_its_forms(tmp_path: Path) -> None:
    amount = (
        "fund:\n  title: 资金\n  unit: 元\n  type: money\n  values:\n"
        '    - {from: 2021-01-01, region: "000000", value: 5, source: 测试, status: L}\n'
    )
    reading = form(PICK, "| | calculate | a | | parameter.fund | |")
    checked = check(tmp_path / "trial", parameters__a_yaml=amount, forms__home_md=reading)
    assert checked.pack is not None, told(checked)
    assert list(checked.pack.parameters) == ["fund"]
    clash = amount.replace("fund:", "monitor_line:")
    assert "monitor_line" in told(check(tmp_path / "clash" / "trial", parameters__a_yaml=clash))


@pytest.mark.parametrize(
    ("cadence", "text"),
    [
        (Cadence(1, "months"), "每月一次"),
        (Cadence(3, "months"), "每 3 个月一次"),
        (Cadence(1, "weeks"), "每周一次"),
        (Cadence(2, "years"), "每 2 年一次"),
        (Cadence(once=True), "一次"),
    ],
)
def test_a_cadence_is_told_in_words(cadence: Cadence, text: str) -> None:
    assert cadence.text == text


@pytest.fixture(params=ORDER)
def pack(request: pytest.FixtureRequest) -> Pack:
    return shipped(request.param)


def test_the_methods_are_shipped_inside_the_package() -> None:
    assert shipped_keys() == ORDER
    assert FOLDER.parent.name == "huqing"
    with pytest.raises(KeyError):
        shipped("nothing")


def test_a_shipped_method_has_no_mistakes_and_nothing_worth_a_note(pack: Pack) -> None:
    checked = check_pack(pack.folder, RULES)
    assert (checked.problems, checked.notes) == ((), ())


def test_a_shipped_form_speaks_chinese_needs_no_photo_and_no_position(pack: Pack) -> None:
    for name, found in pack.forms.items():
        kinds = {question.type for question in found.questions}
        assert not kinds & {"image", "photo", "video", "audio", "geopoint", "geotrace", "geoshape"}, name
        for question in found.questions:
            if question.label:
                assert re.search(r"[\u4e00-\u9fff]", question.label), (name, question.name)
                shown = re.sub(r"\$\{\w+\}", "", question.label + question.hint)
                assert not re.search(r"[A-Za-z]{2,}", shown), (name, question.name)
        assert re.search(r"[\u4e00-\u9fff]", found.title)
        assert found.form_id.startswith(pack.method.key)


def test_a_shipped_form_begins_with_whom_it_is_about_and_asks_for_the_day(pack: Pack) -> None:
    for found in pack.forms.values():
        assert found.questions[0].reads in SUBJECTS
        assert found.question("visited_on") is not None


def test_every_constraint_of_a_shipped_form_says_what_to_enter(pack: Pack) -> None:
    for found in pack.forms.values():
        for bind in re.findall(r"<bind [^>]*constraint=[^>]*>", found.xml):
            assert re.search(r'jr:constraintMsg="[^"]*[\u4e00-\u9fff]', bind), bind


def test_the_household_file_is_updated_by_visits() -> None:
    written = {
        question.writes for key in ORDER for found in shipped(key).forms.values() for question in found.questions
    }
    assert {"household.water_safe", "household.dangerous_house", "person.health", "person.student_state"} <= written


def test_four_visits_has_its_four_kinds_and_lists() -> None:
    told_ = shipped("four_visits").method
    assert {visit.visit_kind for visit in told_.visits} == {"1", "2", "3", "4"}
    cadre = told_.visit("cadre")
    assert cadre.every == Cadence(1, "months")
    assert [len(checklist.items) for checklist in cadre.checklists] == [5, 8, 6]
    assert told_.visit("home_lessons").every == Cadence(1, "weeks")
    assert told_.visit("doctor").every == Cadence(1, "years")
    assert len(told_.key_groups) == 7
    expert = next(quota for quota in told_.quotas if quota.actor == "local_expert")
    assert (expert.at_least, expert.at_most) == (100, 100)


def test_linked_visits_closes_the_336_households_of_its_source() -> None:
    told_ = shipped("linked_visits").method
    by_rank: dict[tuple[str, str], int] = {(quota.rank, quota.title): quota.at_least for quota in told_.quotas}
    leaders, others = 9, 39
    key = leaders * by_rank["厅级", "重点帮扶户"] + others * by_rank["处级", "重点帮扶户"]
    linked = leaders * by_rank["厅级", "联系户"] + others * by_rank["处级", "联系户"]
    assert (key, linked, key + linked) == (153, 183, 336)
    assert len(told_.visit("household").every.rounds) == 2
    fund = shipped("linked_visits").parameters["linked_unit_fund"]
    assert [value.value for value in fund.values] == [40_000_000]


@pytest.mark.parametrize(
    ("actor", "item", "said"),
    [
        ("cadre", "weight: 90, measure: households_visited", "各项分值合计 90。改成合计 100"),
        ("cadre", "weight: 100, measure: smiles", "不会算 smiles。从这些里选：full_months（"),
        ("cadre", "weight: 100, measure: full_months", "full_months 只有驻村工作队员有记录"),
        ("cadre", "weight: 100, measure: visits_on_time", "不知道多久应走访一次"),
        ("cadre", "weight: 100, measure: visits_on_time, visit: hme", "visits 中没有 hme。改为 home 之一"),
        ("nobody", "weight: 100, measure: households_visited", "actors 中没有 nobody。改为 cadre 之一"),
        ("cadre", "weight: many, measure: households_visited", "weight 应是不小于 0 的整数"),
    ],
)
def test_a_wrong_assessment_is_told_with_its_line_and_remedy(tmp_path: Path, actor: str, item: str, said: str) -> None:
    assessed = (
        "actors: [{{key: cadre, title: 干部, role: 走访, duties: [helper]}}]\n",
        "assessments:\n  - key: a\n    title: 考核\n"
        f"    actor: {actor}\n    indicators:\n      - {{{{key: b, title: 项, {item}}}}}\n",
    )
    lines = METHOD.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("actors:"))
    rest = next(number for number, line in enumerate(lines) if number > start and not line.startswith(" "))
    text = "".join([*lines[:start], assessed[0], *lines[rest:]]).rstrip("\n") + "\n" + assessed[1]
    found = told(check(tmp_path / "trial", method=text.format(key="trial")))
    assert re.search(r"method\.yaml 第 \d+ 行：" + re.escape(said), found), found


def test_a_method_may_be_about_assessing_alone_and_weighs_a_hundred() -> None:
    hearts = shipped("five_hearts").method
    assert not hearts.visits
    for key in shipped_keys():
        for plan in shipped(key).method.assessments:
            assert sum(item.weight for item in plan.indicators) == 100
            assert shipped(key).method.duties_of(plan.actor), f"{key}/{plan.key}"


def test_five_looks_scores_add_up_to_a_hundred_and_name_four_classes() -> None:
    pack = shipped("five_looks")
    points = [item for key, item in pack.parameters.items() if key.endswith("_points")]
    assert sum(int(item.values[0].value) for item in points) == 100  # type: ignore[call-overload]
    assert {value.status for item in points for value in item.values} == {"L"}
    classes = pack.forms["look"].question("classes")
    assert classes is not None
    assert [label for _, label in classes.choices][:4] == ["产业帮扶", "异地搬迁", "政策兜底", "大病救助"]


def test_every_visit_of_a_shipped_method_has_actors_that_the_ledger_of_duties_knows() -> None:
    for key in shipped_keys():
        method = shipped(key).method
        actors = {actor.key: actor for actor in method.actors}
        for visit in method.visits:
            assert actors[visit.actor].duties, f"{key}/{visit.key}"
