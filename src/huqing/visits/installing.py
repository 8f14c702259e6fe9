"""Putting a working method to use: its forms are published, its files kept as they were at that moment."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.instance import data_folder, private_folder
from huqing.access.permissions import require
from huqing.packs.checking import read_pack
from huqing.packs.forms import Conversion
from huqing.packs.manifest import Pack
from huqing.packs.reading import form_files
from huqing.packs.shipped import FOLDER, shipped, shipped_keys
from huqing.rules.library import library
from huqing.visits.background import refresh_soon
from huqing.visits.models import Form, Method, VisitTask
from huqing.visits.publishing import PERMISSION, Checked, Source, checked, store

if TYPE_CHECKING:
    from huqing.access.models import User

SHORT = 12


def install_method(*, folder_or_key: Path | str, by: User | None) -> Method:
    """Put a shipped method (its key) or one of one's own (its folder) to use, and publish all its forms.

    An active method of the same key is replaced; its visits go on. The same files again change nothing. PackError or
    PublishProblem list all mistakes; nothing is changed then.
    """
    if by is not None:
        require(by, PERMISSION)
    pack = pack_of(folder_or_key)
    digest = digest_of(pack.folder)
    active = Method.objects.filter(key=pack.method.key, active=True).first()
    if active is not None and active.digest == digest:
        return active
    forms = _checked_forms(pack)
    kept = _kept(pack, digest)
    with transaction.atomic():
        return _installed(pack, forms, digest, kept, by)


def pack_of(folder_or_key: Path | str) -> Pack:
    """The shipped method of this key, or that of the folder; PackError names every mistake."""
    if str(folder_or_key) in shipped_keys():
        return shipped(str(folder_or_key))
    return read_pack(Path(folder_or_key), library())


@transaction.atomic
def retire_method(*, method: Method, by: User | None) -> None:
    """Stop a method: nothing more is due, its forms are handed out no more and still taken."""
    if by is not None:
        require(by, PERMISSION)
    row = Method.objects.select_for_update(of=("self",)).get(pk=method.pk)
    if not row.active:
        return
    row.active = False
    row.save(update_fields=["active"])
    row.forms.filter(state=Form.State.OPEN).update(state=Form.State.CLOSING)
    audit.record(by=by, action="method_retire", subject=row, detail={"method": row.key, "version": row.version})
    transaction.on_commit(refresh_soon)


def digest_of(folder: Path) -> str:
    """A hash over the names and contents of all files of a method."""
    lines = [f"{file.relative_to(folder).as_posix()} {_sha256(file.read_bytes())}\n" for file in _files(folder)]
    return _sha256("".join(lines).encode())


def _files(folder: Path) -> list[Path]:
    """The files of a method, without what the system or an editor hides in folders."""
    named = ((file, file.relative_to(folder).parts) for file in folder.rglob("*") if file.is_file())
    return sorted(file for file, parts in named if not any(part.startswith(".") for part in parts))


def _checked_forms(pack: Pack) -> dict[str, Checked]:
    """The pack's forms by file name without ending; they were converted when the pack was read."""
    files = form_files(pack.folder)
    sources = [Source(file.read_bytes(), file.name, _media(pack, file.stem)) for file in files]
    converted = [Conversion(form=pack.forms[file.stem]) for file in files]
    found = checked(list(zip(sources, converted, strict=True)))
    return {file.stem: sound for file, sound in zip(files, found, strict=True)}


def _media(pack: Pack, stem: str) -> dict[str, bytes]:
    return {name: (pack.folder / "media" / name).read_bytes() for name in pack.forms[stem].media}


def _kept(pack: Pack, digest: str) -> str:
    """Where in the data folder a method of one's own is kept as it is now; "" for a shipped one."""
    if pack.folder.parent == FOLDER.resolve():
        return ""
    data = data_folder()
    target = private_folder(data / "methods") / digest[:SHORT] / pack.method.key
    if not target.exists():
        parts = target.with_name(f"{target.name}.part")
        shutil.rmtree(parts, ignore_errors=True)
        for file in _files(pack.folder):
            copy = parts / file.relative_to(pack.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        parts.rename(target)
    return target.relative_to(data).as_posix()


def _installed(pack: Pack, forms: dict[str, Checked], digest: str, kept: str, by: User | None) -> Method:
    told = pack.method
    earlier = list(Method.objects.select_for_update(of=("self",)).filter(key=told.key).order_by("pk"))
    Method.objects.filter(pk__in=[row.pk for row in earlier], active=True).update(active=False)
    method = Method.objects.create(
        key=told.key,
        version=told.version,
        title=told.title,
        folder=kept,
        digest=digest,
        installed_at=timezone.now(),
        installed_by=by,
    )
    VisitTask.objects.filter(method__in=earlier).update(method=method)
    for stem, sound in sorted(forms.items()):
        visit = next((visit for visit in told.visits if visit.form == stem), None)
        store(
            sound,
            by=by,
            method=method,
            visit=visit.key if visit else "",
            visit_kind=visit.visit_kind if visit else "",
        )
    left = Form.objects.filter(method__in=earlier, state=Form.State.OPEN)
    left.update(state=Form.State.CLOSING)
    detail = {"method": told.key, "version": told.version, "forms": _ids(forms.values())}
    audit.record(by=by, action="method_install", subject=method, detail=detail)
    transaction.on_commit(refresh_soon)
    return method


def _ids(forms: Iterable[Checked]) -> list[str]:
    return sorted(sound.form.form_id for sound in forms)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
