import pytest

from support.said import Called, read


def function(value: str) -> str:
    return f"<function=Write><parameter=content>{value}</parameter></function>"


def invoke(value: str) -> str:
    return f'<invoke name="Write"><parameter name="content">{value}</parameter></invoke>'


@pytest.mark.parametrize(
    ("value", "in_function", "in_invoke"),
    [
        ("\na\n", "a", "a"),
        ("\n\na\n\n", "\na\n", "\na\n"),
        ("a\n", "a", "a\n"),
        ("\r\na\r\n", "a", "a"),
        ("a", "a", "a"),
        ("", "", ""),
        ("\n", "", ""),
        ("\n\n", "", ""),
        ("\r", "\r", "\r"),
        (" a ", " a ", " a "),
    ],
)
def test_one_line_end_on_each_side_is_layout(value: str, in_function: str, in_invoke: str) -> None:
    assert read(function(value)) == [Called("Write", {"content": in_function})]
    assert read(invoke(value)) == [Called("Write", {"content": in_invoke})]


@pytest.mark.parametrize(
    "value",
    [
        "a </parameter> b",
        "a < b && c > d <br/>",
        "</tool_call>",
        function("nested"),
        invoke("nested") + " and " + function("nested"),
        "write <function=NAME> and <parameter=KEY> or </function>",
        "<function=x>",
    ],
)
def test_a_value_may_hold_tags(value: str) -> None:
    assert read(function(value)) == [Called("Write", {"content": value})]
