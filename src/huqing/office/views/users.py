"""Accounts: list, new, change, stop, one-time passwords. For the security administrator; auditors may look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access import actions
from huqing.access import queries as access
from huqing.access.models import ADMINISTRATORS, Role, User
from huqing.access.permissions import Refused, requires
from huqing.office import paging, queries
from huqing.office.forms import NewUserForm, PlaceForm, UserNameForm
from huqing.office.views.shared import attempt, region_choices
from huqing.registry.models import Grid

ORDERS = {"username": ["username"], "name": ["display_name", "id"]}
STATES = [
    ("", "全部状态"),
    ("active", "启用"),
    ("disabled", "已停用"),
    ("locked", "已锁定"),
    ("first", "未改初始密码"),
    ("idle", "90 天未登录"),
]


@requires("view_users")
def user_list(request: HttpRequest) -> HttpResponse:
    """All accounts with filters."""
    wanted = {key: request.GET.get(key, "").strip()[:50] for key in ("text", "role", "state")}
    found = queries.accounts(by=request.user, now=timezone.now(), **wanted)
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="username")
    context = {"page": page, "wanted": wanted, "roles": Role.choices, "states": STATES}
    return render(request, "office/users/rows.html" if request.htmx else "office/users/list.html", context)


@requires("manage_users")
def user_add(request: HttpRequest) -> HttpResponse:
    """A new account; its first password is shown once, on the page that answers."""
    form = NewUserForm(request.POST if request.method == "POST" else None, initial={"role": Role.VILLAGE})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(
            form,
            lambda: actions.create_user(
                by=request.user,
                username=data["username"],
                display_name=data["display_name"],
                unit=data["unit"],
                **form.placement(),
            ),
        )
        if made:
            user, password = made
            return _password_page(request, user, password, "账号已建立")
    return render(request, "office/users/add.html", {"form": form, "regions": region_choices()}, status=_status(form))


@requires("view_users")
def user_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: who, what for, its state and what can be done."""
    return _detail(request, get_object_or_404(User, pk=pk))


@requires("manage_users")
@require_POST
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct name and unit."""
    user = get_object_or_404(User, pk=pk)
    form = UserNameForm(request.POST, instance=get_object_or_404(User, pk=pk))
    if form.is_valid() and attempt(form, lambda: actions.edit_user(by=request.user, user=user, **form.cleaned_data)):
        messages.success(request, "姓名和单位已保存。")
        return redirect("office:user", pk=pk)
    return _detail(request, user, name_form=form)


@requires("manage_users")
@require_POST
def user_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Another role or place."""
    user = get_object_or_404(User, pk=pk)
    form = PlaceForm(request.POST)
    if form.is_valid() and attempt(form, lambda: actions.change_role(by=request.user, user=user, **form.placement())):
        messages.success(request, "角色和管辖区划已保存，下次打开页面即生效。")
        return redirect("office:user", pk=pk)
    return _detail(request, get_object_or_404(User, pk=pk), place_form=form)


def _command(action: Callable[..., Any], done: str) -> Callable[..., HttpResponse]:
    """A view that does one thing to an account and says so."""

    @requires("manage_users")
    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        try:
            action(by=request.user, user=user)
        except (Refused, ValidationError) as error:
            messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
        else:
            messages.success(request, done)
        return redirect("office:user", pk=pk)

    return view


@requires("manage_users")
@require_POST
def user_password(request: HttpRequest, pk: int) -> HttpResponse:
    """A new one-time password, shown once."""
    user = get_object_or_404(User, pk=pk)
    try:
        password = actions.reset_password(by=request.user, user=user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("office:user", pk=pk)
    return _password_page(request, user, password, "密码已重置")


def _password_page(request: HttpRequest, user: User, password: str, title: str) -> HttpResponse:
    return render(request, "office/users/password.html", {"account": user, "password": password, "title": title})


def _detail(request: HttpRequest, user: User, **forms: Form) -> HttpResponse:
    manageable = user.role not in ADMINISTRATORS and user.pk != request.user.pk
    place = {"role": user.role, "region_code": user.region_code, "grid_id": user.grid_id, "department": user.department}
    context = {
        "account": user,
        "grid": Grid.objects.filter(pk=user.grid_id).first() if user.grid_id else None,
        "state": access.user_state(user),
        "manageable": manageable,
        "name_form": UserNameForm(instance=user),
        "place_form": PlaceForm(initial=place),
        "regions": region_choices(),
        **forms,
    }
    return render(request, "office/users/detail.html", context, status=422 if forms else 200)


def _status(form: Form) -> int:
    return 422 if form.is_bound else 200


urlpatterns = [
    path("users/", user_list, name="users"),
    path("users/add/", user_add, name="user-add"),
    path("users/<int:pk>/", user_detail, name="user"),
    path("users/<int:pk>/edit/", user_edit, name="user-edit"),
    path("users/<int:pk>/role/", user_role, name="user-role"),
    path(
        "users/<int:pk>/disable/",
        _command(actions.disable_user, "账号已停用，正在使用的页面也随即失效。"),
        name="user-disable",
    ),
    path("users/<int:pk>/enable/", _command(actions.enable_user, "账号已启用。"), name="user-enable"),
    path("users/<int:pk>/unlock/", _command(actions.unlock, "账号已解锁，本人可以马上登录。"), name="user-unlock"),
    path(
        "users/<int:pk>/factor/",
        _command(actions.reset_second_factor, "动态码已重置，本人下次登录时重新开通。"),
        name="user-factor",
    ),
    path("users/<int:pk>/password/", user_password, name="user-password"),
]
