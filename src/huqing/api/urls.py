"""Addresses of the phone app and of what phones send and fetch; the latter begin with ``/key/<token>/``."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import path

from huqing.api import field, openrosa, shell
from huqing.api.answers import said_in_xml
from huqing.api.tokens import with_token, without_token


@with_token(answer=said_in_xml)
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Whatever else is asked for below a link: told in the protocol's words, not as a page."""
    raise Http404


urlpatterns = [
    path("field/", shell.index, name="field"),
    path("field/<str:name>", shell.file, name="field_file"),
    path("formList", without_token(said_in_xml), name="form-list-without-link"),
    path("submission", without_token(said_in_xml), name="submission-without-link"),
    path("key/<str:key>/formList", openrosa.form_list, name="form-list"),
    path("key/<str:key>/forms/<int:pk>/form.xml", openrosa.form_xml, name="form-xml"),
    path("key/<str:key>/forms/<int:pk>/manifest", openrosa.manifest, name="manifest"),
    path("key/<str:key>/forms/<int:pk>/media/<str:name>", openrosa.media, name="media"),
    path("key/<str:key>/submission", openrosa.submission, name="submission"),
    path("key/<str:key>/packet", field.packet, name="packet"),
    path("key/<str:key>/state", field.state, name="state"),
    path("key/<str:key>/unchanged", field.unchanged, name="unchanged"),
    # Last: what none of the addresses above meant.
    path("key/<str:key>", nowhere, name="link"),
    path("key/<str:key>/<path:rest>", nowhere, name="nowhere"),
]
