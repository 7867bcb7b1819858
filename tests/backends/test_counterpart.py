"""What a counterpart is asked for is asked of it in test_prompting.py and test_meeting.py."""

from dataclasses import FrozenInstanceError

import pytest

from lingma_proxy.backends.acp import Agent
from lingma_proxy.backends.counterpart import Counterpart, Prompt
from lingma_proxy.backends.ipc import Plugin
from support.counterpart import Fake

COUNTERPARTS: list[type[Counterpart]] = [Plugin, Agent, Fake]
"""That they take what they are given is the type checker's business."""
ASKED_FOR = [name for name in vars(Counterpart) if not name.startswith("_")]


@pytest.mark.parametrize("one", COUNTERPARTS)
def test_a_counterpart_has_all_that_is_asked_of_it(one):
    assert {"name", "meet", "prompt", "aclose"} < set(ASKED_FOR)
    assert [name for name in ASKED_FOR if not hasattr(one, name)] == []


def test_a_prompt_leaves_nothing_to_tidy_unless_it_says_so():
    tidied: list[str] = []

    Prompt({}).tidy()
    Prompt({}, lambda: tidied.append("a file")).tidy()

    assert tidied == ["a file"]


def test_a_prompt_does_not_change_once_it_is_made():
    prompt = Prompt({})

    with pytest.raises(FrozenInstanceError):
        prompt.params = {}  # type: ignore[misc]  # that it cannot is the point
