import pytest

from lingma_proxy.vendor.asked_of_us import TOLD, Unwelcome, answer


@pytest.mark.parametrize("method", sorted(TOLD))
def test_what_is_only_told_is_acknowledged(method):
    assert answer(method) is None


def test_a_permission_is_cancelled():
    assert answer("session/request_permission") == {"outcome": {"outcome": "cancelled"}}


def test_a_question_to_the_person_is_cancelled():
    assert answer("elicitation/create") == {"action": "cancel"}


@pytest.mark.parametrize(
    "method",
    [
        "fs/read_text_file",
        "fs/write_text_file",
        "terminal/create",
        "terminal/output",
        "tool/invoke",
        "mcp/message",
        "something/new",
        "",
    ],
)
def test_what_touches_the_machine_is_refused_and_so_is_what_nobody_knows(method):
    with pytest.raises(Unwelcome) as caught:
        answer(method)

    assert caught.value.code == -32601
