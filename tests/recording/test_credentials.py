"""What a name means: `test_redact.py` has what becomes of the values."""

import pytest

from lingma_proxy.recording.credentials import closed, credential


@pytest.mark.parametrize(
    ("name", "label"),
    [
        (b"cosy_key", "cosy key"),
        (b"X-Api-Key", "x api key"),
        (b"AWS_SECRET_ACCESS_KEY", "secret access key"),
        (b"encryptUserInfo", "encrypt user info"),
        (b"machineId", "machine id"),
    ],
)
def test_a_credential_is_known_by_its_words(name, label):
    assert credential(name) == (label, True)


@pytest.mark.parametrize(
    "name",
    [b"max_tokens", b"promptTokens", b"cache_key", b"prompt_cache_key", b"key", b"tokens",
     b"user_id", b"user_info", b"primaryKey", b"eos_token", b"nextPageToken", b"", b"..."],
)  # fmt: skip
def test_a_count_and_a_key_that_opens_nothing_are_none(name):
    assert credential(name) is None


@pytest.mark.parametrize(
    ("data", "depth", "end"),
    [
        (rb'abc",', 0, 3),
        (rb'a\"b",', 0, 4),
        (rb'a\\",', 0, 3),
        (rb"abc\",", 1, 3),
        (rb"a\\\"b\",", 1, 6),
        (rb"a\\\\\",", 1, 5),
        (rb"abc", 0, 3),
        (rb'abc"', 1, 3),
    ],
)
def test_a_string_ends_with_a_quote_of_its_own_depth(data, depth, end):
    assert closed(data, 0, b'"', depth) == end
