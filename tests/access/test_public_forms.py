"""Forms anybody may send: once, not at once, not in floods, and without a third party."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from huqing.access import public_forms
from huqing.access.models import FormCount, UsedFormToken
from huqing.access.public_forms import FormRefused, Limits, Replayed

VILLAGE = "500236101201"
SECOND = dt.timedelta(seconds=1)
NOON = dt.datetime(2026, 11, 2, 4, tzinfo=dt.UTC)


@pytest.fixture
def now(monkeypatch, settings):
    """The time of day, held still; call it with a span to let time pass."""
    clock = {"now": NOON}
    monkeypatch.setattr(timezone, "now", lambda: clock["now"])
    settings.HUQING_FORM_SECONDS = 3

    def passes(span: dt.timedelta) -> None:
        clock["now"] += span

    return passes


def request(token: str, address: str = "203.0.113.7", **fields):
    return RequestFactory(REMOTE_ADDR=address).post("/", {"form_token": token, **fields})


def posted(token: str, **fields) -> public_forms.Posted:
    return public_forms.received(request(token, **fields), form="application", place=VILLAGE)


def sent(now, *, address: str = "203.0.113.7", place: str = VILLAGE, phone: str = "", limits: Limits | None = None):
    token = public_forms.issue("application", place)
    now(3 * SECOND)
    took = public_forms.received(request(token, address), form="application", place=place)
    with transaction.atomic():
        public_forms.spend(took, phone=phone, limits=limits)


@pytest.mark.django_db
def test_a_form_is_taken_once_and_a_second_press_learns_what_the_first_did(now) -> None:
    token = public_forms.issue("application", VILLAGE)
    now(3 * SECOND)
    public_forms.spend(posted(token), result="17")
    with pytest.raises(Replayed) as again:
        public_forms.spend(posted(token), result="18")
    assert again.value.result == "17"
    assert public_forms.token_for(request(token), form="application", place=VILLAGE) != token


@pytest.mark.django_db
def test_a_token_is_for_one_form_in_one_village_and_not_to_be_forged(now) -> None:
    token = public_forms.issue("application", VILLAGE)
    now(3 * SECOND)
    for form, place in (("objection", VILLAGE), ("application", "500236101202")):
        with pytest.raises(FormRefused, match="失效"):
            public_forms.received(request(token), form=form, place=place)
    head, _, tail = token.partition(":")
    for wrong in ("", "x", token[:-1], token + "A" * 9000, f"{head[:-2]}AA:{tail}", "²:²:²", "\0"):
        with pytest.raises(FormRefused, match="失效"):
            posted(wrong)


@pytest.mark.django_db
def test_what_comes_too_fast_too_late_or_from_a_program_is_refused_and_leaves_no_row(now) -> None:
    token = public_forms.issue("application", VILLAGE)
    now(2 * SECOND)
    with pytest.raises(FormRefused, match="太快"):
        posted(token)
    assert public_forms.token_for(request(token), form="application", place=VILLAGE) == token
    now(1 * SECOND)
    with pytest.raises(FormRefused, match="重新打开"):
        posted(token, website="http://x")
    with pytest.raises(FormRefused, match="不收文件"):
        posted(token, photo=SimpleUploadedFile("a.zip", b"PK\3\4"))
    now(dt.timedelta(hours=24))
    with pytest.raises(FormRefused, match="太久"):
        posted(token)
    assert public_forms.token_for(request(token), form="application", place=VILLAGE) != token
    now(dt.timedelta(hours=-30))
    with pytest.raises(FormRefused, match="太久"):
        posted(token)
    assert not UsedFormToken.objects.exists()
    assert not FormCount.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("same", "told"),
    [
        ({"address": "203.0.113.7"}, "网络"),
        ({"address": "2001:db8:1:2::7"}, "网络"),
        ({"place": VILLAGE}, "这个村"),
        ({"phone": "13900001111"}, "这个电话"),
    ],
)
def test_floods_from_an_address_to_a_village_or_with_a_phone_are_held_back_for_their_time(now, same, told) -> None:
    def one(number: int) -> None:
        others = {
            "address": f"198.51.100.{number}",
            "place": f"5002361012{number:02d}",
            "phone": f"139000022{number:02d}",
        }
        sent(now, **{**others, **same}, limits=Limits(2, 2, 2))

    one(1)
    one(2)
    for number in (3, 4):
        with pytest.raises(FormRefused, match=told) as refused:
            one(number)
        assert refused.value.status == 429
    assert UsedFormToken.objects.count() == 2
    now(dt.timedelta(days=1))
    one(5)
    assert "203.0.113.7" not in str(list(FormCount.objects.values_list("kind", "key")))


@pytest.mark.django_db
def test_neighbouring_addresses_of_one_ipv6_line_count_as_one(now) -> None:
    for number in range(2):
        sent(now, address=f"2001:db8:1:2::{number}", limits=Limits(2, 99, 99))
    with pytest.raises(FormRefused, match="网络"):
        sent(now, address="2001:db8:1:2:ffff::9", limits=Limits(2, 99, 99))
    sent(now, address="2001:db8:1:3::9", limits=Limits(2, 99, 99))


@pytest.mark.django_db
def test_guessing_ends_after_a_few_tries_and_begins_anew_when_the_time_is_over(now) -> None:
    keys = ["a receipt", "203.0.113.7"]
    assert public_forms.guess("status", keys, most=3)
    public_forms.right("status", keys)
    assert [public_forms.guess("status", keys, most=3) for _ in range(5)] == [True, True, True, False, False]
    assert public_forms.guess("status", ["another", "198.51.100.1"], most=3)
    assert not public_forms.guess("status", ["another", "203.0.113.7"], most=3)
    now(public_forms.LOCKED_FOR)
    assert public_forms.guess("status", keys, most=3)


@pytest.mark.django_db
def test_counts_and_tokens_are_forgotten_when_their_time_is_over(now) -> None:
    sent(now, phone="13900001111")
    assert public_forms.forget_old() == 0
    now(dt.timedelta(days=3))
    assert public_forms.forget_old() == 4
    assert not FormCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_are_one_post(now) -> None:
    token = public_forms.issue("application", VILLAGE)
    now(3 * SECOND)

    def press(_: int) -> bool:
        try:
            with transaction.atomic():
                public_forms.spend(posted(token), result="17")
        except Replayed as again:
            return again.result != "17"
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [False, False, False, True]
    assert set(FormCount.objects.values_list("count", flat=True)) == {1}
