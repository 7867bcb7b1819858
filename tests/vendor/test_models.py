import json

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.errors import BackendError, NotLoggedIn, ProtocolError
from lingma_proxy.vendor.models import ALIASES, KNOWN, decode
from support.vectors import vectors

VECTORS = vectors("model_list")


def listed(*entries, **groups):
    return decode(json.dumps({"chat": list(entries), **groups}).encode())


def test_chat_comes_before_inline_and_the_first_of_a_key_counts():
    found = decode(json.dumps(VECTORS["remote_response"]).encode())

    assert [model.key for model in found] == VECTORS["expect_ids_in_order_dedup"]
    assert found[1] == Model("kmodel", "Kimi-K2.6", context_window=200000, sees=True, reasons=True)
    assert found[0].is_default


def test_what_the_list_does_not_say_is_taken_from_what_is_known():
    (found,) = listed({"key": "mmodel"})

    assert found == Model("mmodel", "MiniMax-M2.7", context_window=204_800, sees=False)


def test_a_model_nobody_knows_is_called_by_its_key():
    (found,) = listed({"key": "new", "max_input_tokens": 0, "is_vl": None, "display_name": ""})

    assert found == Model("new", "new")


def test_a_model_that_is_switched_off_is_marked_so():
    off, on, unsaid = listed(
        {"key": "a", "enable": False}, {"key": "b", "enable": True}, {"key": "c"}
    )

    assert (off.enabled, on.enabled, unsaid.enabled) == (False, True, True)


def test_entries_without_a_key_do_not_count():
    assert listed({"key": ""}, {"key": 3}, {}, "x", inline=None) == ()


def test_a_list_inside_data_is_read_too():
    assert decode(b'{"success":true,"data":{"chat":[{"key":"a"}]}}') == (Model("a", "a"),)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"<html>", b'{"data":[]}', b"\xff"])
def test_what_is_no_list_is_refused(body):
    with pytest.raises(ProtocolError):
        decode(body)


def test_an_error_instead_of_a_list_is_that_error():
    with pytest.raises(NotLoggedIn):
        decode(b'{"code":"101","message":"Signature invalid"}')
    with pytest.raises(BackendError, match="boom"):
        decode(b'{"success":false,"errorCode":"500","errorMessage":"boom"}')


@pytest.mark.parametrize("alias", VECTORS["aliases_lingma_proxy"].items())
def test_the_aliases_people_are_used_to_work(alias):
    name, key = alias

    assert ALIASES[name] == key


@pytest.mark.parametrize("alias", VECTORS["aliases_lingma2api"].items())
def test_so_do_those_of_other_programs(alias):
    name, key = alias

    assert name == "auto" or ALIASES[name] == key  # what Auto means depends on the list


def test_every_known_model_can_be_called_by_its_name():
    assert {ALIASES[model.name.lower()] for model in KNOWN} == {model.key for model in KNOWN}
