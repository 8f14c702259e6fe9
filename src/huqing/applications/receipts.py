"""Receipts: random numbers that stand for an application, looked up together with the end of the phone's number."""

from __future__ import annotations

import hmac
import secrets

from huqing.access.seal import unseal
from huqing.applications.models import Application

LENGTH, TAIL = 10, 4
_NARROW = str.maketrans("０１２３４５６７８９", "0123456789", " -　")


def fresh() -> str:
    """A number nobody can guess from another: ten digits, the first neither 0 (spreadsheets drop it) nor 1 (phones)."""
    return str(2 + secrets.randbelow(8)) + f"{secrets.randbelow(10 ** (LENGTH - 1)):0{LENGTH - 1}d}"


def spoken(receipt: str) -> str:
    """A number as it is printed and read aloud: 4821 093 756."""
    return f"{receipt[:4]} {receipt[4:7]} {receipt[7:]}"


def digits(text: str) -> str:
    """What somebody typed, without blanks and in narrow digits; "" for what is no number."""
    found = text[:40].translate(_NARROW).strip()
    return found if found.isascii() and found.isdecimal() else ""


def find(receipt: str, tail: str) -> Application | None:
    """The application of a receipt whose phone ends in ``tail``; None for a wrong number as for a wrong phone.

    Both are compared in constant time, and a number that does not exist is compared as well.
    """
    row = (
        Application.objects.select_related("village", "case__state", "joined_to")
        .filter(receipt=digits(receipt))
        .first()
    )
    phone = unseal(bytes(row.phone_sealed), "phone") if row is not None and row.phone_sealed else ""
    known = phone[-TAIL:] if phone else "----"
    same = hmac.compare_digest(known.encode(), digits(tail).rjust(TAIL)[:40].encode())
    return row if same and row is not None and phone else None
