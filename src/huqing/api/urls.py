"""Addresses of the phone app and of what phones send and fetch."""

from django.urls import path

from huqing.api import shell

urlpatterns = [
    path("field/", shell.index, name="field"),
    path("field/<str:name>", shell.file, name="field_file"),
]
