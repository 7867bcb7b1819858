import pytest

from support.said import Called, read


@pytest.mark.parametrize(
    "text",
    [
        "<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>",
        '<invoke name="Bash"><parameter name="command">ls</parameter></invoke>',
        '<function=Bash>{"command": "ls"}</function>',
        "<tool_call>Bash\n<arg_key>command</arg_key>\n<arg_value>ls</arg_value>\n</tool_call>",
    ],
)
def test_every_spelling_is_a_call(text: str) -> None:
    assert read(text) == [Called("Bash", {"command": "ls"})]


def test_dsml_says_what_is_a_string() -> None:
    text = (
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="Bash">\n'
        '<｜DSML｜parameter name="command" string="true">5</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="timeout" string="false">5</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>"
    )

    assert read(text) == [Called("Bash", {"command": "5", "timeout": 5})]
