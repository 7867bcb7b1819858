import json
from dataclasses import replace
from pathlib import Path

import pytest
from multidict import CIMultiDict

from lingma_proxy.simulator.bearer import REQUIRED, Verifier, read, sign, split
from lingma_proxy.simulator.home import new_login
from lingma_proxy.simulator.refusal import Refusal
from support.vendor_client import MODELS, headers

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/simulator.json").read_text("utf-8"))
LOGIN = new_login()
NOW = 1777045062


def verify(sent, path=MODELS, body=b"", **options):
    return Verifier(lambda: NOW, **options).verify(path, CIMultiDict(sent), body)


def refusal(sent, path=MODELS, body=b"", **options):
    with pytest.raises(Refusal) as caught:
        verify(sent, path, body, **options)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("case", VECTORS["bearer"], ids=lambda case: case["name"])
def test_the_signatures_of_the_vectors_are_ours(case):
    payload, signature = split(case["authorization"])
    inputs = case["inputs"]

    assert read(payload)["info"] == inputs["info"]
    assert signature == sign(
        payload,
        inputs["cosy_key"],
        inputs["cosy_date"],
        case["body_utf8"].encode(),
        case["sig_path"],
    )


@pytest.mark.parametrize("case", VECTORS["bearer"][:4], ids=lambda case: case["name"])
def test_the_requests_of_the_vectors_are_taken(case):
    identity = VECTORS["identity"]
    path = "/" + case["url"].split("/", 3)[3].partition("?")[0]
    sent = headers(LOGIN, MODELS) | {
        "Authorization": case["authorization"],
        "Cosy-Key": identity["cosy_key"],
        "Cosy-User": identity["uid"],
        "Cosy-Machineid": identity["machine_id"],
    }

    assert verify(sent, path, case["body_utf8"].encode()).uid == identity["uid"]


def test_a_signature_over_the_query_is_refused():
    case = VECTORS["bearer"][0]
    payload, _ = split(case["authorization"])
    wrong = f"Bearer COSY.{payload}.{VECTORS['sig_path_with_query']}"

    assert refusal(headers(LOGIN, MODELS) | {"Authorization": wrong}) == (403, "101")


def test_another_body_than_the_signed_one_is_refused():
    assert refusal(headers(LOGIN, "/algo/x", b"{}"), "/algo/x", b"{} ") == (403, "101")


def test_another_path_than_the_signed_one_is_refused():
    assert refusal(headers(LOGIN, "/algo/x"), "/algo/y") == (403, "101")


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_header_is_missed(name):
    sent = headers(LOGIN, MODELS)
    del sent[name]

    assert refusal(sent) == (400, "400")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic x",
        "Bearer COSY.e30",
        "Bearer COSY.e30.a.b",
        "Bearer COZY.e30.a",
        "Bearer COSY.!.a",
        "Bearer COSY.e30=.a",
        "Bearer COSY.W10=.a",
    ],
)
def test_a_malformed_bearer_is_an_invalid_payload(authorization):
    with pytest.raises(Refusal) as caught:
        verify(headers(LOGIN, MODELS) | {"Authorization": authorization})

    assert caught.value.status == 400
    assert caught.value.message == "auth payload is invalid"


def test_an_info_of_another_key_is_refused():
    stranger = replace(LOGIN, temp_key="f" * 16)

    assert refusal(headers(stranger, MODELS)) == (403, "101")


def test_another_user_than_the_infos_is_refused():
    assert refusal(headers(LOGIN, MODELS) | {"Cosy-User": "1"}) == (403, "403")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cosy-BodyHash", "d41d8cd98f00b204e9800998ecf8427f"),
        ("Cosy-BodyLength", "1"),
        ("Cosy-SigPath", MODELS),
        ("Cosy-Version", "0.11.0"),
        ("Login-Version", "v1"),
        ("Cosy-Machineid", "short"),
    ],
)
def test_what_a_header_claims_must_be_true(name, value):
    assert refusal(headers(LOGIN, MODELS) | {name: value}) == (400, "400")


def test_true_claims_are_taken():
    true = {
        "Cosy-BodyHash": "d41d8cd98f00b204e9800998ecf8427e",
        "cosy-bodylength": "0",
        "Cosy-Sigpath": "/api/v2/model/list",
    }

    assert verify(headers(LOGIN, MODELS) | true).uid == LOGIN.uid


def test_clocks_matter_only_when_they_are_said_to():
    late = headers(LOGIN, MODELS, date=NOW - 301)

    assert verify(late).uid == LOGIN.uid
    assert verify(late, max_skew=301).uid == LOGIN.uid
    assert refusal(late, max_skew=300) == (403, "101")


def test_a_replay_matters_only_when_it_is_said_to():
    sent = CIMultiDict(headers(LOGIN, MODELS))
    lenient, strict = Verifier(lambda: NOW), Verifier(lambda: NOW, refuse_replays=True)

    lenient.verify(MODELS, sent, b"")
    lenient.verify(MODELS, sent, b"")
    strict.verify(MODELS, sent, b"")
    with pytest.raises(Refusal, match="used before"):
        strict.verify(MODELS, sent, b"")


def test_a_revoked_key_is_an_invalid_signature():
    verifier = Verifier(lambda: NOW)
    verifier.revoked.add(LOGIN.cosy_key)

    with pytest.raises(Refusal, match="newer login"):
        verifier.verify(MODELS, CIMultiDict(headers(LOGIN, MODELS)), b"")
