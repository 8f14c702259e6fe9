"""A prepared query finds what the queryset it was made from finds, and refuses what it cannot do."""

from __future__ import annotations

import pytest

from huqing.access.models import User
from huqing.access.prepared import prepared

pytestmark = pytest.mark.django_db


def test_it_finds_what_the_queryset_finds_for_each_key(users_by_role, django_assert_num_queries):
    def of_role(user: int):
        return User.objects.filter(pk__gte=user, is_active=True).order_by("-pk")[:3]

    find = prepared(of_role)
    for user in (*users_by_role.values(), User(pk=999_999)):
        told = list(of_role(user.pk))
        with django_assert_num_queries(1):
            found = find(user.pk)
        assert found == told
        assert [row.display_name for row in found] == [row.display_name for row in told]


def test_two_keys_go_where_they_belong(users_by_role):
    first, *_, last = sorted(user.pk for user in users_by_role.values())
    between = prepared(lambda low, high: User.objects.filter(pk__gte=low, pk__lte=high).order_by("pk"))
    assert [row.pk for row in between(first, first)] == [first]
    assert between(last, first) == []


def test_what_it_cannot_do_is_refused(users_by_role):
    with pytest.raises(TypeError, match="does not compare"):
        prepared(lambda pk: User.objects.all())(1)
    with pytest.raises(TypeError, match="joins"):
        prepared(lambda pk: User.objects.filter(pk=pk).select_related("grid"))(1)
    with pytest.raises(TypeError, match="takes 1 keys"):
        prepared(lambda pk: User.objects.filter(pk=pk))()
