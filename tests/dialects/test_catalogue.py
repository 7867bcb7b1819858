import pytest

from lingma_proxy.dialects.catalogue import default, find, offered
from lingma_proxy.errors import ModelNotFound
from support.models import ACCOUNT, KIMI, QWEN, UNKNOWN


def test_models_are_offered_once_and_only_when_enabled():
    assert offered(ACCOUNT) == [KIMI, QWEN, UNKNOWN]


@pytest.mark.parametrize("id", ["kmodel", "Kimi-K2.6", "kimi-k2.6"])
def test_a_model_is_found_by_key_and_by_name(id: str):
    assert find(ACCOUNT, id) == KIMI


@pytest.mark.parametrize("id", ["gpt-4o", "off", "", "KMODEL"])
def test_what_is_not_offered_is_not_found(id: str):
    with pytest.raises(ModelNotFound):
        find(ACCOUNT, id)


def test_the_default_is_the_setting_or_else_the_vendors():
    assert default(ACCOUNT, "qmodel") == QWEN
    assert default(ACCOUNT, "off") == KIMI
    assert default([QWEN], "") is None
