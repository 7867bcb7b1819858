from lingma_proxy.recording.spans import Span, without


def test_of_two_that_overlap_nothing_is_left() -> None:
    spans = [Span(4, 9, "b"), Span(2, 6, "a"), Span(2, 4, "c"), Span(11, 12, "d", b'"')]

    assert without(b"0123456789abcd", spans) == b'01[redacted: a]9a"[redacted: d]"cd'
