import pytest

from lingma_proxy.vendor.models import KNOWN
from lingma_proxy.vendor.profiles import UNKNOWN, profile_of


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Qwen3-Coder", "qwen3_coder"),
        ("dashscope_qwen3_coder_default", "qwen3_coder"),
        ("MiniMax-M2.7", "invoke"),
        ("mmodel", "invoke"),
        ("kmodel", "hermes"),
        ("DeepSeek-V3", "hermes"),
        ("", "hermes"),
    ],
)
def test_a_family_is_known_by_its_name(name: str, form: str) -> None:
    assert profile_of(name).tool_format == form


def test_a_model_has_the_same_profile_by_key_and_by_name() -> None:
    for model in KNOWN:
        assert profile_of(model.key) == profile_of(model.name), model.name


def test_nothing_is_assumed_of_a_stranger() -> None:
    assert profile_of("somebody-1") == UNKNOWN
