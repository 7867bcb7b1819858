import click
import pytest

from lingma_proxy.cli.filters import narrows, wanted, with_filters
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.recording.kept import Wanted

NOW = 1_790_000_000.0


def test_without_flags_all_are_wanted():
    assert wanted({}, NOW, limit=20) == Wanted(limit=20)
    assert not narrows(wanted({}, NOW, limit=20, replies=True))


def test_each_flag_is_a_wish():
    flags = {
        "model": "kmodel", "client": "claude-code", "dialect": "chat", "path": "v1/messages",
        "status": "4XX", "failed": True, "since": "2h", "until": "30m",
    }  # fmt: skip
    want = wanted(flags, NOW, limit=5, text="hello")

    assert want == Wanted(
        limit=5,
        since=NOW - 7200,
        until=NOW - 1800,
        model="kmodel",
        client="claude-code",
        dialect="openai_chat",
        path="/v1/messages",
        status="4xx",
        failed=True,
        text="hello",
    )
    assert narrows(want)


@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS])
def test_every_api_has_its_name(name):
    assert wanted({"dialect": name.upper().replace("_", "-")}, NOW, limit=1).dialect == name


@pytest.mark.parametrize("status", ["0", "200", "429", "4xx", "5XX"])
def test_a_status_or_a_class_of_them(status):
    assert wanted({"status": status}, NOW, limit=1).status == status.lower()


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("status", "600", "write 429, or 4xx"),
        ("status", "many", "write 429, or 4xx"),
        ("dialect", "latin", "there are openai_chat, openai_responses, anthropic"),
        ("since", "soon", "write 30m, 2h or 3d"),
        ("until", "soon", "write 30m, 2h or 3d"),
    ],
)
def test_what_cannot_be_is_refused_in_words(flag, value, words):
    with pytest.raises(click.BadParameter, match=words) as refused:
        wanted({flag: value}, NOW, limit=1)

    assert refused.value.param_hint == f"--{flag}"


def test_the_flags_are_the_same_for_all():
    @click.command()
    @with_filters
    def command(**values):
        """Nothing."""

    names = [param.name for param in command.params]
    assert names == ["model", "client", "dialect", "path", "status", "failed", "since", "until"]
