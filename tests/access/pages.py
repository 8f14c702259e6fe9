"""A handful of pages to sign in to, so that these tests do not depend on the office's own."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from huqing.access.permissions import public, requires, signed_in


@signed_in
def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


@requires("view_rules")
def rules(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("rules")


@requires("view_audit")
def audit_only(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("audit")


@public
def opened(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


def undeclared(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


urlpatterns = [
    path("", home, name="home"),
    path("rules/", rules, name="rules"),
    path("audit-only/", audit_only, name="audit-only"),
    path("open/", opened, name="open"),
    path("undeclared/", undeclared, name="undeclared"),
    path("account/", include("allauth.urls")),
]
