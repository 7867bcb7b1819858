import json

from lingma_proxy.simulator.refusal import bad_signature


def test_a_refusal_is_said_alone_or_in_an_envelope():
    refusal = bad_signature()
    envelope = json.loads(refusal.envelope)

    assert json.loads(refusal.body) == {"code": "101", "message": "Signature invalid"}
    assert envelope["statusCodeValue"] == refusal.status == 403
    assert json.loads(envelope["body"]) == json.loads(refusal.body)


def test_the_reason_is_for_whoever_debugs():
    assert json.loads(bad_signature("the clock").body)["reason"] == "the clock"
