"""Sealed values come back only with the right key; tokens find a value however it was typed."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from huqing.access import seal as sealing
from huqing.access.checks import loose
from huqing.access.instance import private_folder
from huqing.access.seal import (
    SealError,
    create_key_file,
    mask,
    seal,
    seal_many,
    token,
    token_many,
    unseal,
    unseal_many,
)

NUMBER = "990000199003077596"


@pytest.fixture
def own_key(tmp_path, monkeypatch):
    """An installation whose key lies in its data folder."""
    monkeypatch.delenv("HUQING_SEAL_KEY", raising=False)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    return create_key_file()


def test_a_sealed_value_comes_back_and_does_not_show_itself():
    sealed = seal(NUMBER, "id_number")
    assert unseal(sealed) == NUMBER
    assert NUMBER.encode() not in sealed
    assert seal(NUMBER, "id_number") != sealed


def test_empty_values_stay_empty():
    assert seal_many(["", None, "甲"])[:2] == [None, None]
    assert unseal_many([None, seal("甲")]) == [None, "甲"]
    assert token_many("phone", [None, "", " - "]) == [None, None, None]
    assert token("phone", "") == ""


def test_a_value_sealed_with_another_key_says_so(monkeypatch):
    sealed = seal(NUMBER)
    monkeypatch.setenv("HUQING_SEAL_KEY", "ab" * 32)
    with pytest.raises(SealError, match="另一把密钥"):
        unseal(sealed)


@pytest.mark.parametrize("position", [-1, 20, 5])
def test_a_value_changed_by_one_bit_is_refused(position):
    sealed = bytearray(seal(NUMBER))
    sealed[position] ^= 1
    with pytest.raises(SealError, match="改动或损坏"):
        unseal(bytes(sealed))


def test_a_phone_cannot_be_passed_off_as_an_id_number():
    sealed = seal("13800000000", "phone")
    with pytest.raises(SealError, match="种类"):
        unseal(sealed, "id_number")
    relabelled = sealed[:1] + seal("1", "id_number")[1:2] + sealed[2:]
    with pytest.raises(SealError, match="改动或损坏"):
        unseal(relabelled, "id_number")


def test_a_cut_off_value_is_refused():
    with pytest.raises(SealError, match="不完整"):
        unseal(seal("甲")[:10])


def test_the_missing_key_is_named_with_the_remedy(own_key):
    own_key.unlink()
    with pytest.raises(SealError, match="huqing init"):
        seal(NUMBER)


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 31, b"\xff\xfe"])
def test_a_damaged_key_file_is_refused_instead_of_used(own_key, content):
    own_key.chmod(0o600)
    own_key.write_bytes(content)
    with pytest.raises(SealError, match=r"密钥"):
        seal(NUMBER)


def test_the_key_file_is_for_its_owner_only_and_never_overwritten(own_key):
    assert own_key.stat().st_mode & 0o777 == 0o600
    assert own_key.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        create_key_file()


def test_a_data_folder_open_to_others_is_closed(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_what_others_can_read_is_named_at_start_up(own_key, tmp_path):
    tmp_path.chmod(0o700)
    assert loose(tmp_path) == []
    own_key.chmod(0o640)
    assert loose(tmp_path) == [str(own_key)]


def test_after_a_new_key_is_added_old_values_open_and_tokens_stay(monkeypatch):
    first = os.environ["HUQING_SEAL_KEY"]
    sealed, found_by = seal(NUMBER), token("id_number", NUMBER)
    monkeypatch.setenv("HUQING_SEAL_KEY", f"{first} {'cd' * 32}")
    assert unseal(sealed) == NUMBER
    assert seal(NUMBER)[0] == 2
    assert token("id_number", NUMBER) == found_by


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("id_number", "９９００００１９９００３０７７５９６", NUMBER),
        ("id_number", "990000 19900307 7596", NUMBER),
        ("id_number", "11010519491231002x", "11010519491231002X"),
        ("id_number", "110105491231002", "11010519491231002X"),
        ("phone", "+86 138-0000-0000", "13800000000"),
        ("bank_account", "6200 0000 0000 0000 000", "6200000000000000000"),
    ],
)
def test_a_value_is_found_however_it_is_typed(kind, typed, stored):
    assert token(kind, typed) == token(kind, stored)


def test_tokens_of_different_kinds_do_not_match():
    assert token("phone", "13800000000") != token("bank_account", "13800000000")


def test_bulk_and_single_tokens_agree():
    assert token_many("id_number", [NUMBER, None]) == [token("id_number", NUMBER), None]
    assert len(token("id_number", NUMBER)) == 64


def test_an_undeclared_kind_is_refused():
    with pytest.raises(SealError, match="未声明"):
        token("passport", "E1")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("id_number", NUMBER, "990***********7596"),
        ("phone", "13800001234", "138****1234"),
        ("bank_account", "6200000000000001234", "***************1234"),
        ("phone", "1234567", "*******"),
        ("id_number", "", ""),
    ],
)
def test_a_mask_shows_only_the_ends(kind, text, shown):
    assert mask(kind, text) == shown


def test_sealing_tokens_and_the_audit_chain_use_different_keys():
    master = b"\1" * 32
    assert len({sealing.derive(master, purpose, 16) for purpose in ("seal/1", "token/1", "audit/1")}) == 3


def test_sm4_gcm_gives_the_answer_of_rfc_8998():
    encryptor = Cipher(
        algorithms.SM4(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")),
        modes.GCM(bytes.fromhex("00001234567800000000ABCD")),
    ).encryptor()
    encryptor.authenticate_additional_data(bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"))
    plain = bytes.fromhex("".join(2 * letter * 8 for letter in "ABCDEFEA"))
    cipher = encryptor.update(plain) + encryptor.finalize()
    assert cipher.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    )
    assert encryptor.tag.hex().upper() == "83DE3541E4C2B58177E065A9BF7B62EC"


def test_sm3_gives_the_answer_of_gb_t_32905():
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"abc")
    assert digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
