import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.recording.exports.curl import LONGEST, command, script
from lingma_proxy.recording.exports.terminal import harmless
from support.recorded import ESCAPE, body, exchange
from support.strategies import AWKWARD, examples

STAND_IN = 'curl() { printf "%s\\0" "$@"; case " $* " in *" @- "*) cat ;; esac; }\n'
"""In the place of curl: says with what it was called, and what it was given to read."""
URL = "http://127.0.0.1:8095/v1/messages"


def called(text: str) -> tuple[list[str], str]:
    """The arguments of a command in a real shell, and what it reads."""
    done = subprocess.run(
        ["/bin/sh", "-c", STAND_IN + text],
        env={"LINGMA_PROXY_API_KEY": "the key", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == b""
    *words, read = done.stdout.decode().split("\0")
    return words, read


def sent(text: str) -> str:
    """The body that it sends."""
    words, read = called(text)
    return words[words.index("--data-raw") + 1] if "--data-raw" in words else read


def test_it_sends_the_body_to_the_path_with_the_key_of_the_environment() -> None:
    kept = exchange(path="/v1/messages", streamed=True)
    text = script(kept, "http://127.0.0.1:8095/")
    words, _ = called(text)

    assert words[:2] == ["-N", URL]
    assert "Authorization: Bearer the key" in words
    assert "the key" not in text
    assert sent(text) == kept.request.text
    assert text.startswith(f"# {kept.summary.id}: kmodel /v1/messages\n")


HURTFUL = ["'", "$(touch /tmp/x)", "`id`", "\\", "BODY", "\nBODY\n", "@/etc/passwd", ESCAPE, "\r\n"]


@given(
    st.lists(st.sampled_from(HURTFUL + [each for each in AWKWARD if each != "\x00"]), max_size=4)
)
@examples(60)
def test_whatever_is_in_the_body_arrives_and_nothing_is_run(pieces: list[str]) -> None:
    whole = "".join(pieces)
    text = command("POST", URL, whole, False)

    assert harmless(text)
    assert sent(text) == whole


@pytest.mark.parametrize("end", ["", "\n"], ids=["no-end", "end"])
@pytest.mark.parametrize("piece", ["é'\"\n$x `id` \\ @\n", "BODY\n", "BODY\nBODY2\nBODY20\n"],
                         ids=["awkward", "its-mark", "its-marks"])  # fmt: skip
def test_a_long_body_stands_in_lines_of_its_own(piece: str, end: str) -> None:
    whole = "{" + piece * (LONGEST // len(piece) + 1) + "}" + end
    text = command("POST", URL, whole, False)

    assert sent(text).removesuffix("\n") == whole.removesuffix("\n")
    assert "--data-raw" not in text


def test_a_body_that_begins_with_an_at_is_no_file() -> None:
    assert sent(command("POST", URL, "@/etc/passwd", False)) == "@/etc/passwd"


def test_other_methods_are_named() -> None:
    assert called(command("GET", URL, "", False))[0][:1] == [URL]
    assert called(command("DELETE", URL, "", False))[0][:3] == ["-X", "DELETE", URL]
    assert called(command("POST", URL, "", False))[0][:3] == ["-X", "POST", URL]


def test_what_is_not_whole_is_not_sent_again() -> None:
    kept = exchange(request=body("{", "it was cut\nrm -rf ~", 5), asked_model="a\nb" + ESCAPE)
    text = script(kept, "http://127.0.0.1:8095")

    assert called(text) == ([], "")
    assert all(line.startswith("#") for line in text.split("\n") if line)
    assert harmless(text)
