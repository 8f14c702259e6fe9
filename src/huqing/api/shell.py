"""The phone app's own files, as they were built: /field/ and what it loads. No data of anybody passes through here."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from huqing.access.permissions import public

BUILT = Path(__file__).resolve().parent / "static" / "field"
INDEX = "index.html"
WORKER = "sw.js"
# A name that carries its content's hash never means other content.
HASHED = re.compile(r"-[\w-]{8}\.(js|css)$")
KINDS = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"}

# The form engine compiles WebAssembly; photographs are blobs inside the app.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(self), geolocation=(self), microphone=()"


@dataclass(frozen=True)
class Built:
    """One file of the app, plain and compressed, under the tag that tells its content."""

    content: bytes
    compressed: bytes
    kind: str
    tag: str


@functools.cache
def _names() -> frozenset[str]:
    manifest = json.loads((BUILT / "manifest.json").read_text(encoding="utf-8"))
    return frozenset(manifest["files"])


@functools.cache
def _built(name: str) -> Built:
    path = BUILT / name
    content = path.read_bytes()
    kind = KINDS.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Built(
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        kind=f"{kind}; charset=utf-8",
        tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


@public
@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    """The page of the app; it is asked for again each time, so that a new version is seen."""
    return _answer(request, INDEX)


@public
@require_safe
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """One file of the build; nothing beside it can be asked for."""
    if name not in _names() or name == INDEX:
        raise Http404
    return _answer(request, name)


def _answer(request: HttpRequest, name: str) -> HttpResponseBase:
    built = _built(name)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    content = built.compressed if packed else built.content
    response = HttpResponse(b"" if request.method == "HEAD" else content, content_type=built.kind)
    response.headers["Content-Length"] = str(len(content))
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["ETag"] = built.tag
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if HASHED.search(name) else "no-cache"
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    if name == WORKER:
        response.headers["Service-Worker-Allowed"] = "/field/"
    patch_vary_headers(response, ["Accept-Encoding"])
    return get_conditional_response(request, etag=built.tag, response=response) or response
