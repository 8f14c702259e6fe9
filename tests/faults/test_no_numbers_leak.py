"""A county at work with people's numbers in every place they can be typed: afterwards no number is anywhere in clear.

Looked at: every column of every table, the bytes of the database, snapshots, results, caches and lock files, sessions,
the log, answers of the pages and the addresses they lead to. Only uploaded files and keys are left out.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import logging
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from huqing.intake.models import Import, LinkCandidate, RowProblem
from huqing.office import places
from huqing.registry.models import Household, Person
from huqing.screening import actions as screening
from huqing.screening.models import Alert, Run
from huqing.standards.idnumbers import check_digit

pytestmark = pytest.mark.django_db(transaction=True)

AS_OF = dt.date(2026, 6, 30)
REASON = "入户核实"


class Numbers:
    """Numbers of people, each written in one place only, so that a leak names the place it came from."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def id_number(self, place: str) -> str:
        first = f"990236{1950 + len(self.places) % 50}0{1 + len(self.places) % 9}15{len(self.places):03d}"
        number = first + check_digit(first)
        self.places[number] = place
        self.places[number[:6] + number[8:17]] = f"{place}, 15 digits"
        return number

    def phone(self, place: str) -> str:
        return self._keep(f"168{len(self.places):08d}", place)

    def account(self, place: str) -> str:
        return self._keep(f"69{len(self.places):017d}", place)

    def _keep(self, number: str, place: str) -> str:
        self.places[number] = place
        return number

    def found_in(self, text: str) -> list[str]:
        return [place for number, place in self.places.items() if number in text]


HOUSEHOLD = {
    "户编号": "H1", "行政村": "砚瓦村", "行政村代码": "500236101201", "村民小组": "1组", "户主姓名": "",
    "户主证件号码": "", "联系电话": "", "银行卡号": "", "家庭住址": "1组3号", "家庭人口数": "1", "户类型": "一般农户",
    "风险备注": "", "帮扶责任人姓名": "赵文军", "帮扶责任人单位": "镇政府", "帮扶责任人电话": "", "监测联系人": "孙立",
    "监测联系人电话": "", "工资性收入": "3000", "人均纯收入": "3000", "主要燃料类型": "柴草", "年度": "2026",
}  # fmt: skip
MEMBER = {
    "户编号": "H1", "姓名": "", "性别": "男", "证件类型": "居民身份证", "证件号码": "", "出生日期": "",
    "与户主关系": "户主", "联系电话": "", "就读学校": "", "务工单位名称": "", "健康状况": "健康",
}  # fmt: skip
VISIT = {
    "户编号": "H1", "户主姓名": "", "户主身份证号": "", "行政村": "砚瓦村", "走访类别": "干部走访",
    "走访时间": "2026-05-01", "走访人": "孙立", "走访情况": "看望",
}  # fmt: skip
INSURED = {"姓名": "", "身份证号": "", "参保年度": "2026", "参保险种": "城乡居民医保"}
HEADS = ("陈大山", "李秀英", "王建国", "周小明", "吴光荣")


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def county(users_by_role, settings, tmp_path, monkeypatch) -> SimpleNamespace:
    """A signed-in county clerk, who remembers every answer and every address the office led to."""
    settings.DATA = tmp_path / "data"
    places.forget()
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    client = Client(raise_request_exception=False)
    client.force_login(users_by_role["county"])
    county = SimpleNamespace(client=client, user=users_by_role["county"], data=settings.DATA, pages=[], addresses=[])

    def ask(method: str, address: str, data: object = None, **headers: str) -> object:
        response = getattr(client, method)(address, data, **headers)
        # An address typed by hand is the user's; what counts is where the office leads to.
        county.addresses += [response.headers.get(name, "") for name in ("Location", "HX-Redirect", "HX-Push-Url")]
        if "spreadsheet" not in response.headers.get("Content-Type", ""):
            county.pages.append((address, response.content.decode()))
        return response

    county.get = lambda address, data=None, **headers: ask("get", address, data, **headers)
    county.post = lambda address, data=None, **headers: ask("post", address, data or {}, **headers)
    return county


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the installed log handler writes."""
    (handler,) = [one for one in logging.getLogger().handlers if one.get_name() == "console"]
    written = io.StringIO()
    # Not setStream, which flushes: a command line test may have left a stream that is closed by now.
    before, handler.stream = handler.stream, written
    yield written
    handler.stream = before


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    sheet = csv.DictWriter(text, list(rows[0]))
    sheet.writeheader()
    sheet.writerows(rows)
    return text.getvalue().encode("gb18030")


def take_in(county: SimpleNamespace, name: str, rows: list[dict[str, str]], kind: str) -> Import:
    """Upload, match, check and write a file, and open every page there is about it."""
    upload = SimpleUploadedFile(name, as_csv(rows), "text/csv")
    made = county.post(
        reverse("office:import-add"), {"file": upload, "kind": kind, "region": "500236", "on": AS_OF.isoformat()}
    )
    assert made.status_code == 302, county.pages[-1][1]
    intake = Import.objects.latest("pk")
    columns = reverse("office:import-columns", args=[intake.pk])
    page = county.get(columns)
    chosen = {f"column-{column['number']}": column["field"] for column in page.context["columns"]}
    assert (
        county.post(columns, {"sheet": page.context["current"].sheet.sheet, "kind": kind, **chosen}).status_code == 302
    )
    for step in ("queue", "correction"):
        county.post(reverse("office:import-step", args=[intake.pk, step]))
    for view in ("import", "import-problems"):
        county.get(reverse(f"office:{view}", args=[intake.pk]))
    county.get(reverse("office:imports"))
    intake.refresh_from_db()
    assert intake.state == Import.State.APPLIED, intake.message
    return intake


def rosters(numbers: Numbers) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Five households; the first three with numbers in their own columns, the others with numbers in all others."""
    households, members = [], []
    for index, head in enumerate(HEADS, start=1):
        number, phone = numbers.id_number(f"head {index}"), numbers.phone(f"phone {index}")
        household = {
            **HOUSEHOLD, "户编号": f"H{index}", "户主姓名": head, "户主证件号码": number, "联系电话": phone,
            "银行卡号": numbers.account(f"account {index}"), "帮扶责任人电话": numbers.phone(f"helper {index}"),
            "监测联系人电话": numbers.phone(f"contact {index}"),
        }  # fmt: skip
        born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
        member = {
            **MEMBER, "户编号": f"H{index}", "姓名": head, "证件号码": number, "出生日期": born, "联系电话": phone,
            "性别": "男" if int(number[16]) % 2 else "女",
        }  # fmt: skip
        households.append(household)
        members.append(member)
    for make, row in zip((numbers.id_number, numbers.phone, numbers.account), households[:3], strict=True):
        for column in ("村民小组", "家庭住址", "风险备注", "帮扶责任人姓名", "帮扶责任人单位", "监测联系人"):
            row[column] += f" {make(f'{column}')}"
        members[households.index(row)]["务工单位名称"] = f"建材厂{make('务工单位名称')}"
    for column in ("家庭人口数", "户类型", "工资性收入", "人均纯收入", "主要燃料类型", "年度"):
        households[3][column] = numbers.id_number(f"refused {column}")
    for column in ("性别", "出生日期", "与户主关系", "健康状况"):
        members[3][column] = numbers.phone(f"refused {column}")
    # Shifted by one column, and a number where the household's number belongs.
    households.append(
        {**HOUSEHOLD, "户编号": numbers.id_number("shifted"), "户主姓名": numbers.id_number("shifted name")}
    )
    members.append({**MEMBER, "户编号": "H5", "姓名": numbers.id_number("shifted member"), "证件号码": "无"})
    return households, members


def departments(numbers: Numbers, households: list[dict[str, str]]) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """A visit ledger with numbers in its notes, and an insurance list one row of which is nearly a known person."""
    visits = [
        {**VISIT, "户编号": row["户编号"], "户主姓名": row["户主姓名"], "户主身份证号": row["户主证件号码"]}
        for row in households[:3]
    ]
    visits[0]["走访情况"] = f"电话{numbers.phone('visit note')}，卡号{numbers.account('visit note')}"
    visits[1]["走访类别"] = numbers.id_number("visit kind")
    visits[2]["走访人"] = f"孙立{numbers.phone('visitor')}"
    known = households[0]["户主证件号码"]
    wrong = known[:16] + str((int(known[16]) + 2) % 10)
    doubtful = wrong + check_digit(wrong)
    numbers.places[doubtful] = "doubtful link"
    insured = [
        {**INSURED, "姓名": households[0]["户主姓名"], "身份证号": doubtful},
        {**INSURED, "姓名": "郑无名", "身份证号": numbers.id_number("unlinked")},
        {**INSURED, "姓名": households[1]["户主姓名"], "身份证号": households[1]["户主证件号码"]},
    ]
    return {"home_visit": ("走访台账.csv", visits), "insured": ("参保名单.csv", insured)}


def work(county: SimpleNamespace, numbers: Numbers) -> None:
    """A day in the county office: files in, screening, search, editing, showing a number, waiving, wrong addresses."""
    households, members = rosters(numbers)
    take_in(county, f"户信息表_{numbers.id_number('file name')}.csv", households, "household")
    take_in(county, "家庭成员.csv", members, "person")
    for kind, (name, rows) in departments(numbers, households).items():
        take_in(county, name, rows, kind)
    screening.run(by=None, region="500236", as_of=AS_OF, trigger=Run.Trigger.MANUAL)
    take_in(
        county,
        "户信息表_更新.csv",
        [{**row, "家庭住址": f"{row['家庭住址']}改"} for row in households[:3]],
        "household",
    )

    household = Household.objects.get(number="H1")
    person = Person.objects.get(household=household)
    for text in (households[0]["户主证件号码"], households[0]["联系电话"], numbers.id_number("search for nobody")):
        answer = county.post(reverse("office:search"), {"q": text})
        county.get(unescape(re.search(r'data-address="([^"]+)"', answer.content.decode())[1]))
    edits = {
        ("household", household.pk, "address"): f"搬到2组 {numbers.phone('edited address')}",
        ("household", household.pk, "helper_name"): f"钱进{numbers.phone('edited helper')}",
        ("household", household.pk, "bank_account"): numbers.account("edited account"),
        ("household", household.pk, "household_type"): numbers.id_number("edited type"),
        ("person", person.pk, "phone"): numbers.phone("edited phone"),
        ("person", person.pk, "id_number"): numbers.id_number("edited id"),
    }
    for (kind, pk, key), value in edits.items():
        address = reverse("office:field", args=[kind, pk, key])
        form = county.get(address)
        sent = {"value": value, "on": AS_OF.isoformat(), "reason": REASON, "seen": form.context["seen"]}
        answer = county.client.post(address, {**sent, "reason": form.context["reasons"][0]})
        # A form that is refused gives back what was typed; nothing else may.
        if answer.status_code == 200:
            county.pages.append((address, answer.content.decode()))
    county.client.post(reverse("office:sealed", args=["person", person.pk, "id_number"]), {"reason": "核对证件信息"})
    for alert in Alert.objects.filter(state="open")[:2]:
        county.get(reverse("office:alert", args=[alert.pk]))
        county.post(
            reverse("office:alert-waive", args=[alert.pk]), {"reason": f"已核实，电话{numbers.phone('waiver')}"}
        )
    for candidate in LinkCandidate.objects.all()[:3]:
        county.get(reverse("office:link", args=[candidate.pk]))
    for view, arguments in (
        ("household", [household.pk]),
        ("person", [person.pk]),
        ("household-print", [household.pk]),
    ):
        county.get(reverse(f"office:{view}", args=arguments))
    for view in ("home", "households", "alerts", "unknown", "screenings", "links", "search"):
        county.get(reverse(f"office:{view}"))


def go_wrong(county: SimpleNamespace, numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers 403, 404 and 500 to requests full of numbers."""
    number, phone = numbers.id_number("wrong address"), numbers.phone("wrong form")
    assert county.client.get(f"/households/{number}x/").status_code == 404
    assert county.client.get("/users/", {"text": number}).status_code == 403

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"could not convert {number!r} and {phone!r}")

    monkeypatch.setattr("huqing.office.views.search.search.sealed", broken)
    assert county.post(reverse("office:search"), {"q": phone, number: number}).status_code == 500
    monkeypatch.undo()


def tables() -> Iterator[tuple[str, str]]:
    """Every column of every table as one text."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            values = model._default_manager.values_list(field.attname, flat=True)
            text = "\n".join(bytes(v).decode("latin1") if isinstance(v, bytes | memoryview) else str(v) for v in values)
            yield f"{model._meta.label}.{field.attname}", text


def stored_bytes(data: Path) -> Iterator[tuple[str, str]]:
    """The files of the database and of the data folder, names included, without uploads."""
    database = [Path(f"{connection.settings_dict['NAME']}{tail}") for tail in ("", "-wal")]
    for path in database if connection.vendor == "sqlite" else []:
        if path.exists():
            yield path.name, path.read_bytes().decode("latin1")
    for path in sorted(data.rglob("*")):
        place = path.relative_to(data)
        if not path.is_file() or place.parts[0] == "files":
            continue
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield str(place), "\n".join(str(column.to_pylist()) for column in table.columns)
        else:
            yield str(place), path.read_bytes().decode("latin1")


def test_after_a_day_of_work_no_number_is_anywhere_in_clear(county, numbers, log, monkeypatch):
    work(county, numbers)
    go_wrong(county, numbers, monkeypatch)
    assert RowProblem.objects.filter(severity="refused").count() >= 4
    assert Household.objects.count() == 4
    looked_at = {
        "table": dict(tables()),
        "file": dict(stored_bytes(county.data)),
        "session": {one.pk: str(one.get_decoded()) for one in Session.objects.all()},
        "log": {"": log.getvalue()},
        "address": {address: unquote(address) for address in county.addresses},
    }
    assert "RuntimeError" in log.getvalue()
    assert any(name.endswith("home_visit.parquet") for name in looked_at["file"])
    leaks = [
        f"{what} {where}: {found}"
        for what, texts in looked_at.items()
        for where, text in texts.items()
        if (found := numbers.found_in(text))
    ]
    # Of a page that was opened with a number in its address only the address may repeat it.
    leaks += [f"page {where}: {found}" for where, text in county.pages if (found := numbers.found_in(text))]
    assert not leaks, "\n".join(leaks)
