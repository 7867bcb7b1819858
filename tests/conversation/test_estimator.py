from dataclasses import replace

import pytest

from lingma_proxy.conversation.calibration import MODELS
from lingma_proxy.conversation.estimator import EVERY, FIRST, Estimator
from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.request import ChatRequest, Image, Message, Part, Text, Thinking
from lingma_proxy.conversation.tokens import count_request, count_text
from lingma_proxy.vendor.profiles import profile_of

PROMPT = "Tell me all that you know about the tea of the mountains, and do not be short. " * 20
STORY = "Tea is grown on the slopes, where the fog is thick in the morning. " * 20


def asking(*parts: Part, model: str = "kmodel") -> ChatRequest:
    return ChatRequest("r", model, (Message("user", (Text(PROMPT), *parts)),))


def taught(request: ChatRequest, usage: Usage, thought: str = "", times: int = 3) -> Estimator:
    estimator = Estimator()
    for _ in range(times):
        estimator.learn(request, STORY, thought, usage)
    return estimator


ASKED, SAID = count_request(asking()), count_text(STORY)
MORE = Usage(round(ASKED * 1.3), round(SAID * 0.8))


def test_what_the_vendor_counts_corrects_all_that_is_counted() -> None:
    estimator = taught(asking(), MORE)
    meter = estimator.meter("kmodel")
    meter.feed(STORY)

    assert estimator.request(asking()) == pytest.approx(ASKED * 1.3, rel=0.01)
    assert estimator.sample(STORY, "kmodel") == pytest.approx(SAID * 1.3, rel=0.01)
    assert estimator.text(STORY, "kmodel") == pytest.approx(SAID * 0.8, rel=0.01)
    assert meter.tokens == pytest.approx(SAID * 0.8, rel=0.02)


def test_other_models_are_counted_as_before() -> None:
    estimator = taught(asking(), MORE)

    assert estimator.request(asking(model="mmodel")) == ASKED
    assert estimator.text(STORY, "mmodel") == SAID


def test_pictures_teach_nothing_about_the_input() -> None:
    estimator = taught(asking(Image("image/png", b"")), MORE)

    assert estimator.request(asking()) == ASKED
    assert estimator.text(STORY, "kmodel") != SAID


def test_what_the_client_began_teaches_nothing_about_the_output() -> None:
    begun = Message("assistant", (Text("Tea"),))
    request = replace(asking(), messages=(*asking().messages, begun))

    estimator = taught(request, MORE)

    assert estimator.text(STORY, "kmodel") == SAID


@pytest.mark.parametrize(
    ("thought", "usage"),
    [
        ("", Usage(ASKED, SAID + 500, reasoning=500)),
        (STORY, Usage(ASKED, 2 * SAID, reasoning=SAID)),
        (STORY, Usage(ASKED, 2 * SAID)),
    ],
    ids=["hidden", "shown", "shown, not told apart"],
)
def test_thinking_counts_as_far_as_it_is_shown(thought: str, usage: Usage) -> None:
    assert taught(asking(), usage, thought).text(STORY, "kmodel") == SAID


def test_the_first_exchanges_of_a_model_teach_and_then_few() -> None:
    estimator = Estimator()

    teaching = [estimator.teaches("kmodel") for _ in range(FIRST + 2 * EVERY)]

    assert teaching == [*[True] * FIRST, *([False] * (EVERY - 1) + [True]) * 2]
    assert estimator.teaches("mmodel")


def test_many_models_are_no_leak() -> None:
    estimator = Estimator()
    for number in range(3 * MODELS):
        estimator.teaches(f"model-{number}")

    assert len(estimator._seen) == MODELS


def test_each_family_has_its_vocabulary_and_its_habits() -> None:
    estimator = Estimator(
        lambda key: profile_of(key).counts_as, lambda key: profile_of(key).recalls_thinking
    )
    chinese = Message("user", (Text("春天来了，山上的茶树发出了新芽。" * 30),))
    thought = Message("assistant", (Thinking("A long thought."),))

    def of(model: str) -> int:
        return estimator.request(ChatRequest("r", model, (chinese, thought)))

    assert of("dashscope_qmodel") < of("dashscope_qwen3_coder") < of("mmodel")
