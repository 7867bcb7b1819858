import base64
import hashlib

import pytest

from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.signing import bearer, client_type, headers, machine_os, signed_path
from support.vectors import vectors

VECTORS = vectors("bearer")
URL = "https://lingma.alibabacloud.com/algo/api/v2/model/list"
LOGIN = Credentials("key", "info", "user", "machine-0123456789", organization_id="org")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda it: it["name"])
def test_the_bearer_is_that_of_the_vectors(case):
    given = case["inputs"]
    version = {"cosy_version": given["cosy_version"]} if "cosy_version" in given else {}

    made = bearer(
        given["info"],
        given["cosy_key"],
        url=case["url"],
        body=case["body_utf8"].encode(),
        date=int(given["cosy_date"]),
        request_id=given["request_id"],
        **version,
    )

    assert made == case["authorization"]
    assert base64.b64decode(made.split(".")[1]).decode() == case["payload_json"]


@pytest.mark.parametrize("row", VECTORS["sig_path_table"], ids=lambda it: it["input"])
def test_the_signed_path_is_that_of_the_vectors(row):
    assert signed_path(row["input"]) == row["sig_path"]


def test_the_headers_say_the_same_as_the_bearer():
    found = headers(LOGIN, url=URL, date=1_777_045_062, request_id="r", cosy_version="0.11.0")

    assert found["Cosy-Date"] == "1777045062"
    assert (found["Cosy-Version"], found["Cosy-Clienttype"]) == ("0.11.0", "0")
    assert found["Authorization"] == bearer(
        "info", "key", url=URL, body=b"", date=1_777_045_062, request_id="r", cosy_version="0.11.0"
    )
    assert found["Cosy-SigPath"] == "/api/v2/model/list"
    assert found["Cosy-Organization-Id"] == "org"


def test_hash_and_length_are_those_of_the_body_as_sent():
    found = headers(LOGIN, url=URL, body="é".encode(), date=1, request_id="r")

    assert found["Cosy-BodyLength"] == "2"
    assert found["Cosy-BodyHash"] == hashlib.md5("é".encode()).hexdigest()


def test_without_a_body_there_is_neither_hash_nor_length():
    found = headers(LOGIN, url=URL, date=1, request_id="r")

    assert not {"Cosy-BodyHash", "Cosy-BodyLength"} & set(found)


@pytest.mark.parametrize(("agreed", "said"), [(True, "AGREE"), (False, "DISAGREE"), (None, None)])
def test_the_data_policy_is_what_the_user_chose_or_unsaid(agreed, said):
    login = Credentials("k", "i", "u", "m" * 16, data_policy_agreed=agreed)

    found = headers(login, url=URL, date=1, request_id="r")

    assert found.get("Cosy-Data-Policy") == said


@pytest.mark.parametrize(("version", "kind"), [("2.11.2", "2"), ("0.11.0", "0"), ("10.0", "2")])
def test_version_and_kind_of_client_are_a_pair_that_exists(version, kind):
    assert client_type(version) == kind


@pytest.mark.parametrize(
    ("system", "machine", "word"),
    [
        ("Linux", "x86_64", "x86_64_linux"),
        ("Windows", "AMD64", "x86_64_windows"),
        ("Darwin", "arm64", "aarch64_darwin"),
        ("linux", "aarch64", "arm64_linux"),
    ],
)
def test_a_platform_is_named_in_the_vendors_words(system, machine, word):
    assert machine_os(system, machine) == word
