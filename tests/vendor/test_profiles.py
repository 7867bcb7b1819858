import pytest

from lingma_proxy.vendor.models import KNOWN
from lingma_proxy.vendor.profiles import FAMILIES, UNKNOWN, profile_of


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


@pytest.mark.parametrize(
    ("name", "thinks"),
    [
        ("dashscope_qwen3_coder", "never"),
        ("Qwen3-4B-Instruct-2507", "never"),
        ("Qwen3-30B-A3B-Thinking-2507", "always"),
        ("mmodel", "always"),
        ("QwQ-32B", "always"),
        ("qwen3-32b", "if asked"),
        ("dashscope_qmodel", "if asked"),
        ("Kimi-K2.6", "if asked"),
        ("dashscope_qwen_max_latest", None),
    ],
)
def test_what_is_known_of_its_thinking_is_said(name: str, thinks: str | None) -> None:
    assert profile_of(name).thinks == thinks


def test_who_never_thinks_does_not_think_in_text() -> None:
    for word, profile in FAMILIES:
        assert not (profile.thinks == "never" and profile.thinks_in_text), word
        assert not (profile.thinking_words and profile.thinks != "if asked"), word
