"""How the phone endpoints word an answer: OpenRosa's XML, or JSON for our own app."""

from __future__ import annotations

from xml.sax.saxutils import escape

from django.http import HttpResponse, JsonResponse
from django.utils.http import http_date

XML = "text/xml; charset=utf-8"
VERSION = "1.0"


def xml(content: str, status: int = 200) -> HttpResponse:
    """An XML document with the headers every OpenRosa answer has."""
    answer = HttpResponse(f"<?xml version='1.0' encoding='UTF-8' ?>\n{content}", content_type=XML, status=status)
    return with_headers(answer)


def with_headers(answer: HttpResponse) -> HttpResponse:
    """The headers of the protocol; gunicorn adds the date, other servers need not."""
    answer.headers["X-OpenRosa-Version"] = VERSION
    answer.headers["Content-Language"] = "zh-Hans"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def said_in_xml(status: int, message: str) -> HttpResponse:
    """An OpenRosaResponse with the message; an error from 400 on."""
    nature = "error" if status >= 400 else "submit_success"
    return xml(
        f'<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message nature="{nature}">'
        f"{escape(_printable(message))}</message></OpenRosaResponse>",
        status,
    )


def said_in_json(status: int, message: str) -> HttpResponse:
    """``{"error": message}``."""
    answer = JsonResponse({"error": message}, status=status, json_dumps_params={"ensure_ascii": False})
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _printable(text: str) -> str:
    """XML takes no control characters."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


__all__ = ["VERSION", "XML", "http_date", "said_in_json", "said_in_xml", "with_headers", "xml"]
