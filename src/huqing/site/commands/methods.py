"""``huqing method``: the shipped working methods, one in detail, the check of a county's own, putting one to use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from huqing.site.commands.chinese import ChineseCommand, ChineseGroup
from huqing.site.commands.support import Failure, installed

if TYPE_CHECKING:
    from huqing.packs.manifest import Pack

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=ChineseGroup, short_help="工作法：列出、查看、检查、启用。")
def method() -> None:
    """工作法（四访、挂包帮转走访、五看法……）：走访谁、多久一次、用什么表单。"""


@method.command("list", cls=ChineseCommand, short_help="列出随产品提供的工作法。")
def list_methods() -> None:
    """每行一个：代号、名称、版本、走访和表单的个数。"""
    from huqing.packs.shipped import shipped, shipped_keys

    for key in shipped_keys():
        pack = shipped(key)
        counted = f"{len(pack.method.visits)} 种走访、{len(pack.forms)} 张表单"
        click.echo(f"{key}\t{pack.method.title}\t{pack.method.version} 版\t{counted}")


@method.command("show", cls=ChineseCommand, short_help="查看一个工作法。")
@click.argument("key", metavar="代号")
def show_method(key: str) -> None:
    """列出走访对象、间隔、清单、重点人群、配额、职责、指标，以及表单读写哪些档案字段。"""
    from huqing.packs.shipped import shipped, shipped_keys

    if key not in shipped_keys():
        raise Failure(f"没有工作法“{key}”。现有：{'、'.join(shipped_keys())}。")
    click.echo("\n".join(_lines(shipped(key))))


@method.command("check", cls=ChineseCommand, short_help="检查一个工作法文件夹。")
@click.argument("folder", metavar="文件夹", type=FOLDER)
def check_method(folder: Path) -> None:
    """逐条列出错误：文件、行（表单的表、行、列）、错在哪里、应当怎样写。有错误时退出码为 1，只有提醒时为 0。"""
    from huqing.packs.checking import check_pack
    from huqing.rules.errors import RuleError
    from huqing.rules.library import library

    try:
        checked = check_pack(folder, library())
    except RuleError as error:
        raise Failure(str(error)) from error
    for note in checked.notes:
        click.echo(f"提醒：{note}")
    if checked.pack is None:
        for problem in checked.problems:
            click.echo(str(problem), err=True)
        raise Failure(f"共 {len(checked.problems)} 处错误，改正后再检查。")
    found = checked.pack
    questions = sum(len(form.questions) for form in found.forms.values())
    click.echo(
        f"可以使用：{found.method.title} {found.method.version} 版，{len(found.method.visits)} 种走访，"
        f"{len(found.forms)} 张表单，{questions} 道题。"
    )


@method.command("install", cls=ChineseCommand, short_help="启用一个工作法，发布它的表单。")
@click.argument("method", metavar="代号或文件夹")
@installed
def install(method: str) -> None:
    """代号见 huqing method list；自己编的工作法写文件夹。已启用的同名工作法换成这一版；内容没有变动时什么也不改。"""
    from huqing.packs.errors import PackError
    from huqing.packs.shipped import shipped_keys
    from huqing.rules.errors import RuleError
    from huqing.visits.installing import install_method
    from huqing.visits.publishing import PublishProblem

    if method not in shipped_keys() and not Path(method).is_dir():
        raise Failure(f"没有工作法“{method}”，也没有这个文件夹。现有：{'、'.join(shipped_keys())}。")
    try:
        row = install_method(folder_or_key=method, by=None)
    except (PackError, PublishProblem) as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise Failure(f"共 {len(error.problems)} 处错误，没有启用。改正后再执行一次。") from error
    except RuleError as error:
        raise Failure(str(error)) from error
    click.echo(f"已启用 {row.title} {row.version} 版，发布表单 {row.forms.count()} 张。")


def _lines(pack: Pack) -> Iterator[str]:
    from huqing.packs.telling import duty_text, form_summary, whom_text
    from huqing.rules.library import library

    told = pack.method
    rules = library()
    amounts = {**rules.parameters, **pack.parameters}
    yield f"{told.title}（{told.key}）{told.version} 版"
    yield told.summary
    yield f"来源：{told.source}"
    yield "\n走访"
    for visit in told.visits:
        note = f"（{visit.note}）" if visit.note else ""
        yield f"  {visit.title}：{told.actor(visit.actor)}走访{whom_text(rules, visit)}，{visit.every.text}{note}"
        for checklist in visit.checklists:
            yield f"    {checklist.title}：{'；'.join(item.title for item in checklist.items)}"
    for title, rows in (
        ("重点人群", [f"{item.title}：{item.every.text}" for item in told.key_groups]),
        ("配额", [f"{item.rank}{told.actor(item.actor)} {item.title}：{item.text}" for item in told.quotas]),
        ("职责", [f"{told.actor(item.actor)} {item.title}：{duty_text(item, amounts)}" for item in told.duties]),
        ("指标", [f"{item.title}（{item.unit}）" for item in told.indicators]),
        ("表单", [form_summary(name, form) for name, form in sorted(pack.forms.items())]),
    ):
        if rows:
            yield f"\n{title}"
            yield from (f"  {row}" for row in rows)
