import json
from dataclasses import replace
from json import dumps

import pytest

from lingma_proxy.vendor.credentials import (
    REQUIRED,
    VARIABLES,
    Credentials,
    decrypt,
    expiry,
    masked,
    read_cache,
    read_credential_file,
    read_environment,
    written,
)
from lingma_proxy.vendor.places import CHINA
from support.login import sealed
from support.vectors import vectors

CACHE = vectors("login_cache")
FILES = vectors("credential_files")
EXPECTED = {name: FILES["normalised"][name] for name in REQUIRED}
ID = CACHE["machine_id"]
USER = CACHE["cache_user"]["file_content"]


def required(credentials):
    return {name: getattr(credentials, name) for name in REQUIRED}


@pytest.mark.parametrize("kind", ["cache_user", "cache_user_string_expire_time"])
def test_the_ides_cache_is_read(kind):
    found = read_cache(ID + "\n", CACHE[kind]["file_content"] + "\n")

    assert required(found) == EXPECTED
    assert found.expires_at == CACHE["expected_credential"]["token_expire_time"]
    assert (found.user_type, found.data_policy_agreed) == ("personal_standard", True)


@pytest.mark.parametrize("vector", CACHE["sizes"], ids=lambda it: str(len(it["plain_hex"]) // 2))
def test_any_length_is_decrypted(vector):
    assert decrypt(ID, vector["b64"]) == bytes.fromhex(vector["plain_hex"])


@pytest.mark.parametrize("vector", CACHE["negative"], ids=lambda it: it["name"])
def test_what_cannot_be_decrypted_is_refused(vector):
    with pytest.raises(ValueError, match=r"machine id|cut off"):
        read_cache(vector.get("machine_id", ID), vector.get("b64", USER))


@pytest.mark.parametrize("plain", [b"", b"[]", b"null", b"\xff", b'{"key":'])
def test_a_damaged_cache_is_refused(plain):
    with pytest.raises(ValueError, match="damaged"):
        read_cache(ID, sealed(ID, plain))


@pytest.mark.parametrize("field", ["key", "encrypt_user_info", "uid"])
def test_a_field_that_is_missing_from_the_cache_is_named(field):
    user = json.loads(CACHE["cache_user"]["plaintext_json"]) | {field: " "}

    with pytest.raises(ValueError, match=f"the decrypted login cache has no {field}$"):
        read_cache(ID, sealed(ID, json.dumps(user).encode()))


@pytest.mark.parametrize("kind", ["lingma_proxy", "lingma2api", "portable_config_flat"])
def test_every_format_of_a_credential_file_is_read(kind):
    found = read_credential_file(json.dumps(FILES[kind]))

    assert required(found) == EXPECTED
    assert found.expires_at == FILES["normalised"]["token_expire_time"]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", ["", "  ", None, 7])
def test_a_field_that_is_missing_from_a_file_is_named(name, value):
    broken = FILES["lingma_proxy"] | {"auth": FILES["lingma_proxy"]["auth"] | {name: value}}

    with pytest.raises(ValueError, match=f"has no auth.{name}$"):
        read_credential_file(json.dumps(broken))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_a_file_that_is_no_object_is_refused(text):
    with pytest.raises(ValueError):
        read_credential_file(text)


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "ключ", "a b"])
def test_a_value_that_could_not_stand_in_a_header_is_refused_and_not_shown(value):
    broken = FILES["portable_config_flat"] | {"cosy_key": value}

    with pytest.raises(ValueError, match="cosy_key") as raised:
        read_credential_file(json.dumps(broken))

    assert value not in str(raised.value)


def test_the_environment_is_read():
    found = read_environment({VARIABLES[name]: EXPECTED[name] for name in REQUIRED})

    assert found is not None
    assert required(found) == EXPECTED


def test_an_environment_without_any_of_it_is_no_login():
    assert read_environment({"HOME": "x", "LINGMA_USER_ID": " "}) is None


def test_a_variable_that_is_missing_is_named():
    with pytest.raises(ValueError, match="LINGMA_MACHINE_ID"):
        read_environment({VARIABLES[name]: "x" for name in REQUIRED[:3]})


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        (1893456000000, 1893456000000),
        (1893456000000.0, 1893456000000),
        ("1893456000000", 1893456000000),
        ("2026-04-27T13:30:00+08:00", 1777267800000),
        ("2026-04-27T05:30:00Z", 1777267800000),
        ("2026-04-27T05:30:00", 1777267800000),
        (0, None), ("0", None), ("", None), ("soon", None), (None, None), (True, None),
        (-1, None), ([], None), (1e300, None),
        (1893456000, 1893456000000), ("1893456000", 1893456000000), (1893456000.5, 1893456000500),
        (3600, None), ("7200", None), (-1893456000, None), (1000, None),
        (2**63 - 1, None), (253_402_300_799_000, None), ("9" * 5000, None),
        ("0001-01-01T00:00:00Z", None), ("9999-12-31T23:59:59Z", None), ("-5", None),
    ],
)  # fmt: skip
def test_an_expiry_is_a_number_digits_or_a_date(value, milliseconds):
    assert expiry(value) == milliseconds


@pytest.mark.parametrize("kind", ["cache", "lingma_proxy", "lingma2api", "portable_config_flat"])
def test_what_is_written_is_the_same_when_it_is_read(kind):
    found = read_cache(ID, USER) if kind == "cache" else read_credential_file(dumps(FILES[kind]))
    text = written(found)

    assert replace(read_credential_file(text), source="") == replace(found, source="")
    file = json.loads(text)
    assert file["auth"] == EXPECTED
    assert file["token_expire_time"] == str(found.expires_at)
    assert isinstance(file["source"], str)


def test_what_is_not_known_is_written_so_that_it_is_not_known_when_it_is_read():
    text = written(Credentials("cosy", "info", "user", "machine"))

    assert json.loads(text).keys() == {"source", "token_expire_time", "auth"}
    assert json.loads(text)["token_expire_time"] == "0"
    assert read_credential_file(text).expires_at is None


@pytest.mark.parametrize(
    ("url", "read"),
    [
        (CHINA, CHINA),
        (f"{CHINA}/algo/", CHINA),
        ("https://evil.example", ""),
        (CHINA.replace("https", "http"), ""),
        ("https://lingma.alibabacloud.com@evil.example", ""),
        (7, ""),
    ],
)
def test_a_file_may_say_where_it_is_good_but_sends_nobody_elsewhere(url, read):
    text = dumps(FILES["lingma_proxy"] | {"base_url": url})
    found = read_credential_file(text)

    assert found.base_url == read
    assert read_credential_file(written(found)).base_url == read
    assert ("base_url" in json.loads(written(found))) == bool(read)


@pytest.mark.parametrize(
    ("value", "shown"), [("abcdefghijklmnop", "abcd…mnop"), ("abcdefghijklmno", "…"), ("", "…")]
)
def test_a_masked_value_tells_one_from_another_and_no_more(value, shown):
    assert masked(value) == shown


def test_it_has_run_out_when_its_time_has_come():
    found = read_cache(ID, USER)

    assert not found.expired(1893455999)
    assert found.expired(1893456000)


def test_nothing_that_signs_is_ever_printed():
    found = read_cache(ID, USER)

    for printed in (repr(found), str(found), f"{found}"):
        assert not any(value in printed for value in EXPECTED.values())
        assert found.source in printed


def test_what_somebody_repeats_is_shown_without_what_signs():
    login = Credentials("cosy", "info", "user", "machine")

    assert (
        login.unseen_in(b"Cosy-Key: cosy; machine/user?info")
        == "Cosy-Key: […]; […]/[…]?[…]".encode()
    )
    assert Credentials("cosy", "", "user", "machine").unseen_in(b"as it was") == b"as it was"
