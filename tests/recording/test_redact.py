from lingma_proxy.recording.redact import Redactor, redacted


def test_a_key_is_taken_out() -> None:
    assert redacted(b"my sk-0123456789abcdef0123 here") == b"my [redacted: token] here"


def test_the_values_in_use_are_taken_out_wherever_they_stand() -> None:
    assert Redactor(lambda: ["s3cret", ""])(b"as3cretb") == b"a[redacted: login]b"
