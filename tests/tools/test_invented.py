import pytest
from hypothesis import given

from lingma_proxy.tools.invented import LONGEST_GAP, UntilInvented
from lingma_proxy.tools.said import CallArguments, CallBegan, CallEnded, Prose, Said
from support.backends import cuts
from support.cuts import at_points

CALL: list[Said] = [CallBegan("x"), CallArguments("{}"), CallEnded()]


def heard(*said: Said) -> tuple[list[Said], bool]:
    until = UntilInvented()
    out = [each for one in said for each in until.feed([one])]
    return joined([*out, *until.end()]), until.over


def joined(said: list[Said]) -> list[Said]:
    out: list[Said] = []
    for each in said:
        if isinstance(each, Prose) and out and isinstance(last := out[-1], Prose):
            out[-1] = Prose(last.text + each.text)
        else:
            out.append(each)
    return out


def in_pieces(text: str, points: list[int]) -> list[Said]:
    return [Prose(piece) for piece in at_points(text, points) if piece]


@given(cuts)
def test_an_answer_ends_where_a_result_is_made_up(points) -> None:
    invented = in_pieces("\n\n<tool_response>\n42\n</tool_response>\n", points)

    assert heard(Prose("so "), *CALL, *CALL, *invented, *CALL) == (
        [Prose("so "), *CALL, *CALL],
        True,
    )


@pytest.mark.parametrize(
    "text",
    ["Done.", "<tool", "\n", "<tool_responsible>"[:8] + ">", "It was <tool_response>", "x" * 500],
)
@given(cuts)
def test_anything_else_is_part_of_the_answer(text, points) -> None:
    assert heard(*CALL, *in_pieces(text, points)) == ([*CALL, Prose(text)], False)


def test_before_a_call_it_is_text_like_any_other() -> None:
    said: list[Said] = [Prose("<tool_response>"), *CALL]

    assert heard(*said) == (said, False)


def test_what_is_held_back_comes_before_the_next_call() -> None:
    assert heard(*CALL, Prose("<tool"), *CALL) == ([*CALL, Prose("<tool"), *CALL], False)


def test_blanks_are_not_held_for_ever() -> None:
    until = UntilInvented()
    until.feed(CALL)

    assert until.feed([Prose(" " * (LONGEST_GAP + 1))]) == [Prose(" " * (LONGEST_GAP + 1))]
