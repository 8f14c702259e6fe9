"""Publishing forms: converted, checked in the engine, stored as a version that never changes.

The same content again is the same version. A phone keeps a draft on the version it began with, so a version that was
published once can never mean anything else.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import require
from huqing.packs.errors import FormProblem
from huqing.packs.forms import PRODUCT_LISTS, Conversion, Converted
from huqing.rules.library import library
from huqing.rules.parameters import Parameter
from huqing.visits.conversions import as_data
from huqing.visits.converting import convert_form
from huqing.visits.enginecheck import EngineUnavailable, check_in_engine, silent_flaws
from huqing.visits.methods import parameters_of
from huqing.visits.models import Form, FormMedia, FormVersion, Method

if TYPE_CHECKING:
    from huqing.access.models import User

PERMISSION = "manage_methods"
LARGEST_MEDIA = 10 * 2**20
LARGEST_TOTAL = 50 * 2**20
LONGEST = {"form_id": 100, "version": 64, "form_title": 100}

__all__ = ["PublishProblem", "Source", "check_form", "convert_form", "publish_form", "retire_form"]


class PublishProblem(Exception):
    """A form cannot be published; ``problems`` are all that were found, ``notes`` what is worth a look besides."""

    def __init__(self, problems: Sequence[FormProblem], notes: Sequence[FormProblem] = ()) -> None:
        self.problems = list(problems)
        self.notes = list(notes)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True)
class Source:
    """A form as its author hands it in, with the files it shows."""

    content: bytes
    name: str
    media: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """A sound form, ready to be stored; ``notes`` are worth a look."""

    source: Source
    form: Converted
    notes: tuple[FormProblem, ...] = ()


def check_form(source: Source, parameters: Mapping[str, Parameter] | None = None) -> Checked:
    """Convert and check a form; PublishProblem with everything that keeps it from being published."""
    conversion = convert_form(source.content, source.name, library().parameters if parameters is None else parameters)
    return checked([(source, conversion)])[0]


def checked(converted: Sequence[tuple[Source, Conversion]]) -> list[Checked]:
    """Check converted forms together, in one process; PublishProblem with the problems of all of them."""
    problems: list[FormProblem] = []
    sound: list[tuple[Source, Converted, Conversion]] = []
    for source, conversion in converted:
        found = list(conversion.problems)
        if conversion.form is not None:
            found += [*_media_problems(source, conversion.form), *_length_problems(source, conversion.form)]
        if conversion.form is not None and not conversion.problems:
            found += silent_flaws(conversion.form, source.name)
            sound.append((source, conversion.form, conversion))
        problems += found
    try:
        engine = check_in_engine([(form, source.name, source.media) for source, form, _ in sound])
    except EngineUnavailable as error:
        name = sound[0][0].name if len(sound) == 1 else ""
        engine = [[FormProblem(name, "", 0, "", str(error).rstrip("。"), "处理后再发布")]]
    problems += [problem for found in engine for problem in found]
    notes = [note for _, conversion in converted for note in conversion.notes]
    if problems:
        raise PublishProblem(list(dict.fromkeys(problems)), notes)
    return [Checked(source, form, conversion.notes) for source, form, conversion in sound]


def publish_form(
    *,
    content: bytes,
    name: str,
    media: Mapping[str, bytes],
    by: User | None,
    method: Method | None = None,
    visit: str = "",
    visit_kind: str = "",
) -> FormVersion:
    """Publish a form as a new version, or return the version that has this very content.

    PublishProblem lists what is wrong, with row and remedy; nothing is stored then. ``by`` None is the system.
    """
    if by is not None:
        require(by, PERMISSION)
    found = check_form(Source(content, name, media), parameters_of(method))
    return store(found, by=by, method=method, visit=visit, visit_kind=visit_kind)


@transaction.atomic
def store(
    sound: Checked,
    *,
    by: User | None,
    method: Method | None,
    visit: str = "",
    visit_kind: str = "",
    given_by: str = "",
) -> FormVersion:
    """Store a checked form; PublishProblem if its id or version stands for something else already."""
    told, source = sound.form, sound.source
    form = _form(sound, method, visit, visit_kind, given_by)
    same = form.versions.filter(version=told.version).first()
    if same is not None:
        if not _same(same, sound):
            problem = f"表单“{told.form_id}”的 {told.version} 版已发布过，内容不同"
            raise PublishProblem([_settings(source, "version", problem, "把 version 换成没有用过的版本号再发布")])
        return same
    version = FormVersion.objects.create(
        form=form,
        version=told.version,
        source_name=source.name[:200],
        source=source.content,
        xform=told.xml,
        md5=_md5(told.xml.encode()),
        conversion=as_data(told),
        published_at=timezone.now(),
        published_by=by,
    )
    FormMedia.objects.bulk_create(
        FormMedia(version=version, name=name, kind=_kind(name), content=content, md5=_md5(content))
        for name, content in sorted(source.media.items())
        if name in told.media
    )
    detail = {"form": told.form_id, "version": told.version, "questions": len(told.questions)}
    audit.record(by=by, action="form_publish", subject=form, detail=detail)
    return version


@transaction.atomic
def retire_form(*, form: Form, by: User | None, closed: bool = False) -> Form:
    """Hand a form out no more, and (``closed``) take no more of its records either."""
    if by is not None:
        require(by, PERMISSION)
    state = Form.State.CLOSED if closed else Form.State.CLOSING
    row = Form.objects.select_for_update(of=("self",)).get(pk=form.pk)
    if row.state != state:
        row.state = state
        row.save(update_fields=["state"])
        audit.record(by=by, action="form_retire", subject=row, detail={"form": row.form_id, "state": str(state)})
    form.state = row.state
    return row


def _form(sound: Checked, method: Method | None, visit: str, visit_kind: str, given_by: str) -> Form:
    told = sound.form
    form = Form.objects.select_for_update(of=("self",)).select_related("method").filter(form_id=told.form_id).first()
    if form is None:
        return Form.objects.create(
            form_id=told.form_id,
            title=told.title,
            method=method,
            visit=visit,
            visit_kind=visit_kind,
            given_by=given_by,
        )
    owner = form.method.key if form.method else ""
    if owner and (method is None or method.key != owner):
        problem = f"表单编号“{told.form_id}”已由工作法“{form.method}”使用"
        raise PublishProblem([_settings(sound.source, "form_id", problem, "换一个 form_id")])
    if form.given_by != given_by:
        problem = f"表单编号“{told.form_id}”是按名单派办的表，不能另行发布"
        raise PublishProblem([_settings(sound.source, "form_id", problem, "换一个 form_id")])
    form.title, form.state = told.title, Form.State.OPEN
    if method is not None:
        form.method, form.visit, form.visit_kind = method, visit, visit_kind
    form.save()
    return form


def _same(stored: FormVersion, sound: Checked) -> bool:
    """Whether a stored version is this form: what is shown, what is read and written, what is attached."""
    media = dict(stored.media.values_list("name", "md5"))
    new = {name: _md5(content) for name, content in sound.source.media.items() if name in sound.form.media}
    return (
        stored.md5 == _md5(sound.form.xml.encode())
        and media == new
        and _bound(stored) == [(question.path, question.reads, question.writes) for question in sound.form.questions]
    )


def _bound(stored: FormVersion) -> list[tuple[Any, ...]]:
    questions = (stored.conversion or {}).get("questions", [])
    return [(question["path"], question["reads"], question["writes"]) for question in questions]


def _media_problems(source: Source, form: Converted) -> list[FormProblem]:
    found = []
    for name in form.media:
        if name not in source.media:
            found.append(
                FormProblem(
                    source.name, "", 0, "", f"缺少附件 {name}", "把这个文件和表单一起上传，或删去表单里对它的引用"
                )
            )
        elif len(source.media[name]) > LARGEST_MEDIA:
            found.append(
                FormProblem(source.name, "", 0, "", f"附件 {name} 超过 {LARGEST_MEDIA >> 20} MB", "压缩后再上传")
            )
        elif len(name) > 200 or PurePath(name).name != name:
            found.append(FormProblem(source.name, "", 0, "", f"附件名 {name} 不对", "只写文件名，不带文件夹"))
    if sum(len(content) for name, content in source.media.items() if name in form.media) > LARGEST_TOTAL:
        found.append(FormProblem(source.name, "", 0, "", f"附件合计超过 {LARGEST_TOTAL >> 20} MB", "压缩或减少附件"))
    unknown = sorted(set(source.media) & set(PRODUCT_LISTS))
    return [
        *found,
        *(FormProblem(source.name, "", 0, "", f"附件 {name} 由系统生成", "不要上传这个文件") for name in unknown),
    ]


def _length_problems(source: Source, form: Converted) -> list[FormProblem]:
    told = {"form_id": form.form_id, "version": form.version, "form_title": form.title}
    return [
        _settings(source, column, f"{column} 超过 {LONGEST[column]} 个字", "改短")
        for column, text in told.items()
        if len(text) > LONGEST[column]
    ]


def _settings(source: Source, column: str, problem: str, remedy: str) -> FormProblem:
    return FormProblem(source.name, "settings", 2, column, problem, remedy)


def _kind(name: str) -> str:
    if name.lower().endswith(".geojson"):
        return "application/geo+json"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
