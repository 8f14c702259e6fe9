"""The OpenRosa protocol: list of forms, forms, manifests, media, submissions (https://docs.getodk.org/openrosa/).

Written for ODK Collect and our own app alike. Where ODK Central and the specification differ, docs/how-to/phones.md
says what was chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from huqing.api.answers import VERSION, XML, said_in_xml, with_headers, xml
from huqing.api.multipart import Body, TooLong, boundary_of, parts
from huqing.api.tokens import with_token
from huqing.visits import kinds, lists, receiving
from huqing.visits.files import Arrival
from huqing.visits.models import FormMedia, FormVersion
from huqing.visits.offered import forms_of, open_version
from huqing.visits.submitted import LARGEST

FORMS = "http://openrosa.org/xforms/xformsList"
MANIFEST = "http://openrosa.org/xforms/xformsManifest"
XML_PART, INCOMPLETE_PART = "xml_submission_file", "*isIncomplete*"
MOST_BYTES = 100 * kinds.MIB
MOST_PARTS = 2000
LARGEST_KEY = 2**63 - 1


def openrosa(*methods: str, header: bool = True) -> Callable[[Callable[..., HttpResponse]], Any]:
    """A view of the protocol: below a link, with the version header, which downloads may leave out."""

    def decorate(view: Callable[..., HttpResponse]) -> Any:
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            said = request.headers.get("X-OpenRosa-Version", None if header else VERSION)
            if said != VERSION:
                header_said = "缺少请求头" if said is None else f"不认识协议版本“{said}”，请求头"
                return said_in_xml(400, f"{header_said} X-OpenRosa-Version 应为 {VERSION}。")
            return view(request, *args, **kwargs)

        return with_token(*methods, answer=said_in_xml)(checked)

    return decorate


@openrosa("GET")
def form_list(request: HttpRequest) -> HttpResponse:
    """The newest version of every form that is this person's business; ``?formID=`` asks for one of them."""
    wanted = request.GET.get("formID")
    base = request.build_absolute_uri(request.key_base)
    items = [
        _form(version, base) for version in forms_of(request.user) if wanted is None or version.form.form_id == wanted
    ]
    return xml(f'<xforms xmlns="{FORMS}">{"".join(items)}</xforms>')


@openrosa("GET", header=False)
def form_xml(request: HttpRequest, pk: int) -> HttpResponse:
    """The XForm of one version, byte for byte what its hash was taken of."""
    version = _version(request, pk)
    return _file(version.xform.encode(), XML, version.md5)


@openrosa("GET")
def manifest(request: HttpRequest, pk: int) -> HttpResponse:
    """The files of one version: what its author supplied, and the lists made for this person."""
    version = _version(request, pk)
    base = request.build_absolute_uri(f"{request.key_base}/forms/{pk}/media/")
    hashes = {**{item.name: item.md5 for item in version.media.all()}, **lists.hashes_for(request.user, version)}
    items = [
        f"<mediaFile><filename>{escape(name)}</filename><hash>md5:{md5}</hash>"
        f"<downloadUrl>{escape(base + quote(name, safe=''))}</downloadUrl></mediaFile>"
        for name, md5 in sorted(hashes.items())
        if md5 and _plain(name)
    ]
    return xml(f'<manifest xmlns="{MANIFEST}">{"".join(items)}</manifest>')


@openrosa("GET", header=False)
def media(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One file of a version."""
    version = _version(request, pk)
    if any(item.name == name for item in version.media.all()):
        found = FormMedia.objects.get(version=version, name=name)
        return _file(bytes(found.content), found.kind, found.md5)
    made = lists.list_for(request.user, version, name)
    if made is None:
        raise Http404("这张表单没有这个文件。请更新表单。")
    return _file(made, "text/csv; charset=utf-8", hashlib.md5(made).hexdigest())  # noqa: S324


@openrosa("HEAD", "POST")
def submission(request: HttpRequest) -> HttpResponse:
    """Take a submission; HEAD tells how many bytes may come at once."""
    if request.method == "HEAD":
        answer = with_headers(HttpResponse(status=204))
        answer.headers["X-OpenRosa-Accept-Content-Length"] = str(MOST_BYTES)
        return answer
    sent = _Sent()
    body = None
    try:
        body = Body(request, MOST_BYTES)
        sent.take(body, boundary_of(request.headers.get("Content-Type", "")))
        if sent.xml is None:
            raise ValueError(XML_PART)
        received = receiving.receive(
            user=request.user,
            xml=sent.xml,
            files=sent.files,
            incomplete=sent.incomplete,
            device=request.GET.get("deviceID", ""),
            agent=request.headers.get("User-Agent", ""),
        )
    except TooLong:
        most = MOST_BYTES // kinds.MIB
        return _after(body, said_in_xml(413, f"一次最多传 {most} MB，没有收下。请减少照片，或把照片分几次传。"))
    except ValueError:
        reason = f"内容不完整，或缺少 {XML_PART}，没有收下。请重传。"
        return _after(body, said_in_xml(400, reason))
    except receiving.NotReceived as refused:
        return _after(body, said_in_xml(refused.status, refused.message))
    except OSError as error:
        # While files were still coming in.
        told = receiving.not_stored(error)
        if told is None:
            raise
        return _after(body, said_in_xml(told.status, told.message))
    finally:
        sent.discard()
    refused_files = received.attachments.exclude(refused="").values_list("name", "refused") if sent.files else ()
    return said_in_xml(201, "已收下。" + "".join(f"附件 {name} 没有收：{reason}" for name, reason in refused_files))


class _Sent:
    """What a request brings: the filled form, its files, and whether more follow."""

    def __init__(self) -> None:
        self.xml: bytes | None = None
        self.incomplete = False
        self.files: dict[str, Arrival] = {}
        self._arrivals: list[Arrival] = []

    def take(self, body: Body, boundary: bytes) -> None:
        """Read all parts; files go to the disk. ValueError for what is no such body."""
        for number, part in enumerate(parts(body, boundary)):
            if number >= MOST_PARTS:
                raise ValueError("too many parts")
            if part.name == XML_PART:
                self.xml = _all(part.chunks, LARGEST)
            elif part.name == INCOMPLETE_PART:
                self.incomplete = _all(part.chunks, 100).strip().lower() == b"yes"
            elif part.filename:
                self._file(part.name, part.filename, part.chunks)

    def discard(self) -> None:
        """Forget what was not stored."""
        for arrival in self._arrivals:
            arrival.discard()

    def _file(self, name: str, filename: str, chunks: Any) -> None:
        """Clients name the part after the file; where the two differ, the form may name either."""
        names = [each for each in dict.fromkeys((name, filename)) if each not in self.files]
        if not names:
            return
        arrival = Arrival(filename)
        self._arrivals.append(arrival)
        for chunk in chunks:
            arrival.write(chunk)
        arrival.finish()
        self.files |= dict.fromkeys(names, arrival)


def _all(chunks: Any, most: int) -> bytes:
    content = b""
    for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise TooLong
    return content


def _after(body: Body | None, answer: HttpResponse) -> HttpResponse:
    """The answer, once the sender has had a chance to send the rest: many clients only then look for it."""
    if body is not None:
        body.drain()
    return answer


def _version(request: HttpRequest, pk: int) -> FormVersion:
    """A version of a form that is this person's business; Http404, PermissionDenied."""
    try:
        version = open_version(request.user, min(pk, LARGEST_KEY))
    except KeyError:
        raise Http404("没有这张表单。请更新表单列表。") from None
    if version is None:
        raise PermissionDenied("这张表单没有分给您，或已停用。请更新表单列表。")
    return version


def _form(version: FormVersion, base: str) -> str:
    form = version.form
    here = f"{base}/forms/{version.pk}"
    has_files = bool(version.conversion.get("lists")) or bool(version.media.all())
    listed = f"<manifestUrl>{escape(here)}/manifest</manifestUrl>" if has_files else ""
    return (
        f"<xform><formID>{escape(form.form_id)}</formID><name>{escape(form.title or form.form_id)}</name>"
        f"<version>{escape(version.version)}</version><hash>md5:{version.md5}</hash>"
        f"<downloadUrl>{escape(here)}/form.xml</downloadUrl>{listed}</xform>"
    )


def _file(content: bytes, kind: str, md5: str) -> HttpResponse:
    answer = with_headers(HttpResponse(content, content_type=kind))
    answer.headers["ETag"] = f'"{md5}"'
    return answer


def _plain(name: str) -> bool:
    """Whether a file name is one, and no way out of the client's folder."""
    return bool(name) and not set(name) & set("/\\") and name not in (".", "..")
