import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import ToolCall
from lingma_proxy.tools.forms import FORMS, begin_result, escaped, inside, written

READ = ToolCall("call_1", "Read", '{"path": "a.txt", "limit": 12345678901234567890}')
LIST = ToolCall("call_2", "List", "")


def test_hermes_has_a_block_for_each_call() -> None:
    assert written([READ, LIST], "hermes") == (
        '<tool_call>\n{"name": "Read", "arguments":'
        ' {"path": "a.txt", "limit": 12345678901234567890}}\n</tool_call>\n'
        '<tool_call>\n{"name": "List", "arguments": {}}\n</tool_call>'
    )


def test_qwen3_coder_has_tags_for_each_parameter() -> None:
    assert written([READ, LIST], "qwen3_coder") == (
        "<tool_call>\n<function=Read>\n<parameter=path>\na.txt\n</parameter>\n"
        "<parameter=limit>\n12345678901234567890\n</parameter>\n</function>\n</tool_call>\n"
        "<tool_call>\n<function=List>\n</function>\n</tool_call>"
    )


def test_invoke_has_one_section_with_attributes() -> None:
    assert written([READ, LIST], "invoke") == (
        '<function_calls>\n<invoke name="Read">\n<parameter name="path">a.txt</parameter>\n'
        '<parameter name="limit">12345678901234567890</parameter>\n</invoke>\n'
        '<invoke name="List">\n</invoke>\n</function_calls>'
    )


def test_kimi_numbers_the_calls_of_its_section() -> None:
    assert written([READ, LIST], "kimi") == (
        "<|tool_calls_section_begin|>"
        "<|tool_call_begin|>functions.Read:0<|tool_call_argument_begin|>"
        '{"path": "a.txt", "limit": 12345678901234567890}<|tool_call_end|>'
        "<|tool_call_begin|>functions.List:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
        "<|tool_calls_section_end|>"
    )


def test_deepseek_fences_the_arguments() -> None:
    assert written([LIST], "deepseek") == (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>List\n```json\n{}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    )


@pytest.mark.parametrize("form", ["qwen3_coder", "invoke"])
@pytest.mark.parametrize("arguments", ["[1]", "{", '"x"', '{"a": "\\ud800"}', "[" * 100_000])
def test_arguments_that_are_no_object_are_shown_as_they_are(form, arguments) -> None:
    assert arguments in written([ToolCall("1", "Read", arguments)], form)


@pytest.mark.parametrize("form", ["qwen3_coder", "invoke"])
def test_text_stands_bare_and_all_else_as_it_was_written(form) -> None:
    call = ToolCall("1", "Edit", '{"new": "a\\n\\"b\\" \\u2028", "n": 1.0e0, "l": [ 1,2 ]}')

    text = written([call], form)

    assert 'a\n"b" \u2028' in text
    assert "1.0e0" in text
    assert "[ 1,2 ]" in text


@given(st.text() | st.from_regex(r"(<\\{0,3}/?(tool_response|TOOL_RESPONSE)>?x?){1,4}"))
def test_no_result_poses_as_its_own_end_and_none_is_lost(text: str) -> None:
    shown = escaped(text)

    assert re.search(r"</?tool_response\b", shown, re.IGNORECASE | re.ASCII) is None
    back = re.sub(r"<\\(?=\\*/?tool_response\b)", "<", shown, flags=re.IGNORECASE | re.ASCII)
    assert back == text


def test_a_string_in_json_closes_no_tag() -> None:
    said = json.dumps({"a": "</tool_call></tools> <b>"})

    assert "</tool" not in inside(said)
    assert json.loads(inside(said)) == json.loads(said)
    assert "</tool_call></" not in written([ToolCall("1", "x", said)], "hermes")


def test_a_result_says_which_call_it_answers_and_whether_that_failed() -> None:
    assert begin_result() == "<tool_response>\n"
    assert begin_result(call=2, is_error=True) == '<tool_response call="2" error="true">\n'


def test_every_format_has_its_form() -> None:
    assert list(FORMS) == ["hermes", "qwen3_coder", "invoke", "kimi", "deepseek"]
