from typing import Any

import pytest
from anthropic.types import ModelInfo
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import Model
from lingma_proxy.dialects.anthropic_models import listing, one
from lingma_proxy.errors import InvalidRequest
from support.models import ACCOUNT

MANY = [Model(f"m{number}", f"M {number}") for number in range(25)]


def ids(page: dict[str, Any]) -> list[str]:
    return [model["id"] for model in page["data"]]


def test_the_list_is_in_anthropics_shape():
    page = listing(ACCOUNT, {})

    models = [ModelInfo.model_validate(model) for model in page["data"]]
    assert [model.display_name for model in models] == ["Kimi-K2.6", "Qwen3.6-Plus", "MiniMax-M2.7"]
    assert (models[0].max_input_tokens, models[0].max_tokens) == (256_000, 32_000)
    assert models[2].max_input_tokens is None
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("kmodel", "mmodel", False)
    assert one(ACCOUNT, "qmodel") == page["data"][1]


def test_a_page_has_twenty_unless_the_client_says_otherwise():
    assert len(listing(MANY, {})["data"]) == 20
    assert len(listing(MANY, {"limit": "1000"})["data"]) == 25


@given(st.integers(1, 30))
def test_pages_forwards_make_the_whole_list(limit: int):
    page = listing(MANY, {"limit": str(limit)})
    seen = ids(page)
    while page["has_more"]:
        page = listing(MANY, {"limit": str(limit), "after_id": page["last_id"]})
        seen += ids(page)

    assert seen == [model.key for model in MANY]


@given(st.integers(1, 30))
def test_pages_backwards_make_the_list_before_a_model(limit: int):
    page = listing(MANY, {"limit": str(limit), "before_id": "m24"})
    seen = ids(page)
    while page["has_more"]:
        page = listing(MANY, {"limit": str(limit), "before_id": page["first_id"]})
        seen = ids(page) + seen

    assert seen == [model.key for model in MANY[:24]]


def test_all_models_are_active():
    assert listing(ACCOUNT, {"lifecycle": "active,retired"}) == listing(ACCOUNT, {})
    assert listing(ACCOUNT, {"lifecycle[]": "retired"}) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "many"},
        {"limit": "-1"},
        {"limit": "١"},
        {"limit": "9" * 5000},
        {"after_id": "nobody"},
        {"before_id": "nobody"},
        {"after_id": "m1", "before_id": "m2"},
    ],
)
def test_a_wrong_page_is_refused(query: dict[str, str]):
    with pytest.raises(InvalidRequest):
        listing(MANY, query)
