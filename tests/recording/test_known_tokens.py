"""Where a token begins and ends: `test_redact.py` has the kinds of them."""

from lingma_proxy.recording.known_tokens import looking_like, signed_in


def found(data):
    return [data[it.begin : it.end] for it in looking_like(data, 0, len(data))]


def passwords(data):
    return [data[it.begin : it.end] for it in signed_in(data, 0, len(data))]


def test_all_of_a_token_is_found_and_nothing_else():
    assert found(b"a sk-0123456789abcdef, b") == [b"sk-0123456789abcdef"]
    assert found(b"Bearer abc.DEF-1/2=") == [b"abc.DEF-1/2="]
    assert passwords(b"https://me:pass@host") == [b"pass"]
    assert passwords(b"me:pass@host") == []


def test_the_end_of_a_word_is_no_token():
    assert found(b"task-0123456789abcdef desk-0123456789abcdef") == []


def test_the_n_of_an_escaped_line_is_no_letter_before_it():
    assert found(rb"\nsk-0123456789abcdef") == [b"sk-0123456789abcdef"]


def test_a_token_belongs_to_the_window_where_it_is_recognised():
    data = b"x" * 10 + b" sk-0123456789abcdef"
    windows = [list(looking_like(data, at, at + 7)) for at in range(0, len(data), 7)]

    assert sum(map(len, windows)) == 1
