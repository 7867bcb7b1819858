import pytest

from lingma_proxy.tools.formats.marks import TOOL_CALL_END
from lingma_proxy.tools.reader import up_to
from lingma_proxy.tools.source import Reading, Source
from support.cuts import one_by_one


@pytest.mark.parametrize(
    ("text", "in_string", "rest"),
    [
        ("a: 1}</tool_call>b", False, "</tool_call>b"),
        ('a: "</tool_call>", }\n</tool_call>b', False, "</tool_call>b"),
        (r'a: "\"</tool_call>" </tool_call>', False, "</tool_call>"),
        ('\\d</tool_call>" }</tool_call>', True, "</tool_call>"),
        ('an odd " }\n</tool_call>', False, "</tool_call>"),
        ("a `b` <c>", False, ""),
        ("a \\", False, ""),
    ],
)
def test_something_broken_ends_at_a_mark_that_is_in_no_string(
    text: str, in_string: bool, rest: str
) -> None:
    for pieces in [text], one_by_one(text):
        source = Source()

        def reading(source: Source = source) -> Reading[None]:
            assert (yield from up_to(source, TOOL_CALL_END, in_string=in_string)) is bool(rest)
            while (yield from source.more()):
                pass

        going = reading()
        for piece in pieces:
            source.add(piece)
            next(going)
        source.over = True
        next(going, None)
        assert source.text[source.at :] == rest
