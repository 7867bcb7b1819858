import pytest

from support.said import Called, heard, read


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "Bash", "arguments": {"a": 1.50, "b": 12345678901234567890}}',
         '{"a": 1.50, "b": 12345678901234567890}'),
        ('{"arguments": {"a": 1.50 }, "name": "Bash"}', '{"a": 1.50 }'),
        ('{"name": "Bash", "arguments": "{\\"a\\": 1.50}"}', '{"a": 1.50}'),
        ('{"name": "Bash", "arguments": null}', "{}"),
        ('{"tool": "Bash", "parameters": {"a": "\\u4f60\\/"}}', '{"a": "\\u4f60\\/"}'),
        ('{"type": "function", "function": {"name": "Bash", "arguments": {"a": 1e5}}}', '{"a": 1e5}'),
        ('{"tool": "Bash", "command": "ls", "id": "x"}', '{"command":"ls"}'),
    ],
)  # fmt: skip
def test_arguments_are_said_verbatim(text: str, arguments: str) -> None:
    assert heard([f"<tool_call>{text}</tool_call>"]) == [Called("Bash", arguments)]


@pytest.mark.parametrize(
    "text",
    ['{"name": 5, "arguments": {}}', '{"name": "nope", "arguments": {}}', '{"arguments": {}}',
     '{"name": "Bash", "arguments": [1]}', '{"name": "Bash", "arguments": "x"}', "{}"],
)  # fmt: skip
def test_what_is_no_call_is_prose(text: str) -> None:
    text = f"a <tool_call>{text}</tool_call> b"

    assert heard([text]) == [text]


def test_a_call_that_nobody_can_mend_is_broken() -> None:
    text = '<tool_call>{"name": "Bash", "arguments": {"a": 1, // two\n "b": 2}}</tool_call>'

    assert [one.broken for one in read(text) if isinstance(one, Called)] == [True]


@pytest.mark.parametrize("arguments", ['{"a": 1e999}', '{"a": 123456789012345678901234567890}'])
def test_numbers_beyond_reason_stay_as_they_are(arguments: str) -> None:
    for text in (
        f'{{"name": "Bash", "arguments": {arguments}}}',
        f'{{"arguments": {arguments}, "name": "Bash"}}',
    ):
        assert heard([f"<tool_call>{text}</tool_call>"]) == [Called("Bash", arguments)]


@pytest.mark.parametrize("depth", [100, 300, 1000, 5000])
def test_no_depth_is_too_deep_to_answer(depth: int) -> None:
    deep = "[" * depth + "]" * depth

    for text in (
        f'{{"name": "Bash", "arguments": {{"a": {deep}, b: 1}}}}',
        f'{{"arguments": {{"a": {deep}}}, "name": "Bash"}}',
        f'{{name: "Bash", "arguments": {{"a": {deep}}}}}',
    ):
        assert heard([f"<tool_call>{text}</tool_call>"])
