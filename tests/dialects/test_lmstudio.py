from lingma_proxy.dialects.lmstudio import listing, older_listing
from support.models import ACCOUNT


def test_models_are_loaded_with_the_window_that_is_known():
    kimi, _, unknown = listing(ACCOUNT)["models"]

    assert (kimi["key"], kimi["display_name"], kimi["type"]) == ("kmodel", "Kimi-K2.6", "llm")
    assert kimi["max_context_length"] == 256_000
    assert kimi["loaded_instances"][0]["config"]["context_length"] == 256_000
    assert unknown["max_context_length"] is None


def test_only_models_that_see_have_vision():
    assert [model["capabilities"]["vision"] for model in listing(ACCOUNT)["models"]] == [
        True,
        False,
        False,
    ]


def test_the_older_list_has_the_same_models_by_kind():
    listed = older_listing(ACCOUNT)

    assert listed["object"] == "list"
    assert [(model["id"], model["type"], model["state"]) for model in listed["data"]] == [
        ("kmodel", "vlm", "loaded"),
        ("qmodel", "llm", "loaded"),
        ("mmodel", "llm", "loaded"),
    ]
