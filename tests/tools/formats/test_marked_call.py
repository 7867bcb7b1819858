import pytest

from support.said import Called, read


@pytest.mark.parametrize(
    "text",
    [
        '<|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>',
        '<｜tool▁call▁begin｜>function<｜tool▁sep｜>Bash\n```json\n{"a": 1}\n```<｜tool▁call▁end｜>',
        '<|tool_call_begin|>Bash<|tool_sep|>{"a": 1}<|tool_call_end|>',
    ],
)
def test_every_spelling_is_a_call(text: str) -> None:
    assert read(text) == [Called("Bash", {"a": 1})]


def test_a_name_without_end_is_no_name() -> None:
    text = "<|tool_call_begin|>" + "a" * 1000

    assert read(text) == [text]
