import pytest
from openai.types import Model as OpenAIModel

from lingma_proxy.dialects.openai_models import listing, one
from lingma_proxy.errors import ModelNotFound
from support.models import ACCOUNT


def test_the_list_is_in_openais_shape():
    shown = listing(ACCOUNT)

    assert shown["object"] == "list"
    models = [OpenAIModel.model_validate(model, strict=True) for model in shown["data"]]
    assert [model.id for model in models] == ["kmodel", "qmodel", "mmodel"]


def test_limits_are_named_where_they_are_known():
    kimi, qwen, unknown = listing(ACCOUNT)["data"]

    assert (kimi["context_window"], kimi["max_output_tokens"]) == (256_000, 32_000)
    assert qwen["context_window"] == 128_000
    assert "max_output_tokens" not in qwen
    assert "context_window" not in unknown


def test_the_same_question_has_the_same_answer():
    assert listing(ACCOUNT) == listing(ACCOUNT)


def test_one_model_is_the_one_from_the_list():
    assert one(ACCOUNT, "kmodel") == listing(ACCOUNT)["data"][0] == one(ACCOUNT, "Kimi-K2.6")


def test_a_model_that_is_not_there_is_not_found():
    with pytest.raises(ModelNotFound):
        one(ACCOUNT, "gpt-4o")
