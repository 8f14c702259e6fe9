"""All addresses of the product."""

from django.urls import include, path

handler400 = "huqing.office.views.errors.unusable"
handler403 = "huqing.office.views.errors.forbidden"
handler404 = "huqing.office.views.errors.not_found"
handler500 = "huqing.office.views.errors.broken"

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("", include("huqing.api.urls")),
    path("", include("huqing.office.urls")),
]
