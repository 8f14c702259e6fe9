"""Sealed values: SM4-GCM for keeping them, HMAC-SM3 tokens for finding them again, masks for showing them.

One 32-byte master key per installation; sealing, tokens and the audit chain each use a key of their own derived from
it by HKDF-SM3. A sealed value is ``key number, kind, 2 bytes of key check, nonce (12), ciphertext, tag (16)``; the four
header bytes are authenticated with the value, so a value can neither change its kind nor be read as another's.
GB/T 32907 (SM4), GB/T 32905 (SM3), RFC 8998 for GCM with SM4.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from huqing.access.instance import seal_key_path, write_secret
from huqing.standards import idnumbers

Kind = Literal["id_number", "phone", "bank_account", ""]

MASTER_BYTES = 32
NONCE = 12
TAG = 16
HEADER = 4
OLD_ID_LENGTH = 15
_KINDS: dict[str, int] = {"": 0, "id_number": 1, "phone": 2, "bank_account": 3}
_KIND_NAMES = {number: kind for kind, number in _KINDS.items()}


class SealError(RuntimeError):
    """A sealed value cannot be made or read; the message says what to do, and never holds the value."""


@dataclass(frozen=True)
class _Key:
    number: int
    cipher: algorithms.SM4
    check: bytes


@dataclass(frozen=True)
class _Ring:
    """The keys of one installation: every master can open, the newest seals, the first makes tokens and chains."""

    keys: dict[int, _Key]
    newest: _Key
    tokens: dict[str, hmac.HMAC]
    chain: hmac.HMAC


def create_key_file(path: Path | None = None) -> Path:
    """Make the master key (random, as hex), readable by its owner only; FileExistsError if there is one already."""
    path = path or seal_key_path()
    write_secret(path, secrets.token_hex(MASTER_BYTES).encode("ascii") + b"\n")
    return path


def derive(master: bytes, purpose: str, length: int) -> bytes:
    """A key of ``length`` bytes for one purpose, by HKDF-SM3."""
    return HKDF(algorithm=hashes.SM3(), length=length, salt=b"huqing", info=purpose.encode("ascii")).derive(master)


def _masters(text: str, place: str) -> list[bytes]:
    masters = []
    for number, line in enumerate(text.split(), start=1):
        try:
            master = bytes.fromhex(line)
        except ValueError:
            master = b""
        if len(master) != MASTER_BYTES:
            raise SealError(f"{place} 第 {number} 行不是 64 位十六进制密钥。请从备份恢复原密钥，不要另写一个。")
        masters.append(master)
    if not masters:
        raise SealError(f"{place} 是空的。请从备份恢复原密钥。")
    return masters


@lru_cache(maxsize=4)
def _ring(environment: str, path: Path) -> _Ring:
    if environment:
        masters = _masters(environment, "环境变量 HUQING_SEAL_KEY")
    else:
        try:
            masters = _masters(path.read_text(encoding="ascii"), f"密钥文件 {path}")
        except FileNotFoundError:
            raise SealError(
                f"找不到密钥文件 {path}。新装系统请先运行 huqing init；"
                "已有数据的系统请从备份恢复该文件，或设置环境变量 HUQING_SEAL_KEY。"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SealError(f"密钥文件 {path} 读不出来（{type(error).__name__}）。请检查文件权限与内容。") from None
    keys = {}
    for number, master in enumerate(masters, start=1):
        keys[number] = _Key(
            number=number,
            cipher=algorithms.SM4(derive(master, "seal/1", 16)),
            check=derive(master, "check/1", 2),
        )
    tokens = {}
    for kind in _KINDS:
        context = hmac.HMAC(derive(masters[0], "token/1", 32), hashes.SM3())
        context.update(kind.encode("ascii") + b"\0")
        tokens[kind] = context
    chain = hmac.HMAC(derive(masters[0], "audit/1", 32), hashes.SM3())
    return _Ring(keys=keys, newest=keys[len(masters)], tokens=tokens, chain=chain)


def ring() -> _Ring:
    """The keys in force: ``HUQING_SEAL_KEY`` (hex, several separated by blanks) or the key file, one key a line."""
    return _ring(os.environ.get("HUQING_SEAL_KEY", "").strip(), seal_key_path())


def _kind_number(kind: str) -> int:
    try:
        return _KINDS[kind]
    except KeyError:
        known = ", ".join(filter(None, _KINDS))
        raise SealError(f"密封种类 {kind!r} 未声明，应为 {known} 之一。") from None


def seal(text: str, kind: Kind = "") -> bytes:
    """Encrypt one value. ``kind`` is bound to the value: ``unseal`` refuses it under another kind."""
    sealed = seal_many([text], kind)[0]
    assert sealed is not None  # noqa: S101  a text was given, so a value came back
    return sealed


def seal_many(texts: Sequence[str | None], kind: Kind = "") -> list[bytes | None]:
    """Encrypt many values with one read of the keys; None and empty texts stay None."""
    key = ring().newest
    header = bytes((key.number, _kind_number(kind))) + key.check
    cipher, gcm, make = key.cipher, modes.GCM, Cipher
    nonces = os.urandom(NONCE * len(texts))
    sealed: list[bytes | None] = []
    for index, text in enumerate(texts):
        if not text:
            sealed.append(None)
            continue
        nonce = nonces[index * NONCE : index * NONCE + NONCE]
        encryptor = make(cipher, gcm(nonce)).encryptor()
        encryptor.authenticate_additional_data(header)
        body = encryptor.update(text.encode("utf-8")) + encryptor.finalize()
        sealed.append(header + nonce + body + encryptor.tag)
    return sealed


def unseal(sealed: bytes, kind: Kind | None = None) -> str:
    """Decrypt one value; with ``kind`` also check what it is. SealError when key, kind or content do not fit."""
    return _unseal(ring(), sealed, kind)


def _unseal(keys: _Ring, sealed: bytes, kind: Kind | None) -> str:
    data = bytes(sealed)
    if len(data) < HEADER + NONCE + TAG:
        raise SealError("密封内容不完整，无法读取。请从备份恢复这条记录。")
    header, nonce = data[:HEADER], data[HEADER : HEADER + NONCE]
    key = keys.keys.get(header[0])
    if key is None or key.check != header[2:HEADER]:
        raise SealError("这条内容是用另一把密钥密封的。请恢复当时的 seal.key（或 HUQING_SEAL_KEY），不要新建密钥。")
    if kind is not None and header[1] != _kind_number(kind):
        found = _KIND_NAMES.get(header[1], "?") or "未注明"
        raise SealError(f"密封内容的种类是 {found}，不是 {kind}。")
    decryptor = Cipher(key.cipher, modes.GCM(nonce, data[-TAG:])).decryptor()
    decryptor.authenticate_additional_data(header)
    try:
        return (decryptor.update(data[HEADER + NONCE : -TAG]) + decryptor.finalize()).decode("utf-8")
    except InvalidTag:
        raise SealError("密封内容已被改动或损坏，无法读取。请从备份恢复这条记录。") from None


def unseal_many(sealed: Sequence[bytes | None]) -> list[str | None]:
    """Decrypt many values; None stays None."""
    keys = ring()
    return [None if value is None else _unseal(keys, value, None) for value in sealed]


def normalise(kind: Kind, text: str) -> str:
    """The text a token is made of: half-width, without blanks and separators, ID numbers in their 18-digit form.

    A disability card number stands for the ID number it begins with, so that both name the same person.
    """
    if kind == "id_number":
        number = idnumbers.normalise(text)
        if len(number) == OLD_ID_LENGTH:
            try:
                return idnumbers.from_15_to_18(number)
            except ValueError:
                return number
        card = idnumbers.parse_disability_card(number)
        return card.id_number.number if card else number
    if kind == "phone":
        return idnumbers.normalise_phone(text)
    if kind == "bank_account":
        return idnumbers.normalise_account(text)
    return text


def token(kind: Kind, text: str) -> str:
    """The lookup token of a value: 64 hex digits of HMAC-SM3 over kind and normalised text; "" for an empty text."""
    return token_many(kind, [text])[0] or ""


def token_many(kind: Kind, texts: Sequence[str | None]) -> list[str | None]:
    """Tokens of many values; None and empty texts stay None."""
    _kind_number(kind)
    # Copying a keyed context is five times as fast as keying a new one.
    copy = ring().tokens[kind].copy
    tokens: list[str | None] = []
    for text in texts:
        plain = normalise(kind, text) if text else ""
        if not plain:
            tokens.append(None)
            continue
        context = copy()
        context.update(plain.encode("utf-8"))
        tokens.append(context.finalize().hex())
    return tokens


def chain_digest(content: bytes) -> str:
    """The keyed digest (HMAC-SM3, hex) that links audit events; it cannot be recomputed from the database alone."""
    context = ring().chain.copy()
    context.update(content)
    return context.finalize().hex()


_SHOWN: dict[str, tuple[int, int]] = {"id_number": (3, 4), "phone": (3, 4), "bank_account": (0, 4), "": (0, 0)}


def mask(kind: Kind, text: str) -> str:
    """What a screen shows instead of the value: a few characters at the ends, stars between ("500***********1234")."""
    head, tail = _SHOWN.get(kind, (0, 0))
    if len(text) < (head + tail) * 3 // 2 or not head + tail:
        return "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[len(text) - tail :]
