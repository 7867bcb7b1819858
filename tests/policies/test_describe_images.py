import asyncio

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Script, Scripted
from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest, ModelNotFound, RateLimited, UnfitAnswer
from lingma_proxy.policies.describe_images import DescribeImages
from support.backends import (
    answer,
    ask,
    drain,
    hands_on,
    hear,
    leaves_nothing_behind,
    one_by_one,
)

CAT, DOG = Image("image/png", b"cat"), Image("image/png", b"dog")
MODELS = (
    Model("blind", "Blind", sees=False),
    Model("see", "Seer", sees=True),
    Model("off", "Off", sees=True, enabled=False),
    Model("unknown", "Unknown"),
)
SEES = {model.key: model.sees for model in MODELS}


def shown(*parts: Part, model: str = "blind") -> ChatRequest:
    return ask(Message("user", parts), model=model)


def policy(
    *scripts: Script, describer: str = "see", models: tuple[Model, ...] = MODELS
) -> tuple[DescribeImages, Scripted]:
    inner = Scripted(scripts)
    return DescribeImages(inner, SEES.get, lambda: models, lambda: describer), inner


def describing(inner, describer: str = "see") -> DescribeImages:
    return DescribeImages(inner, SEES.get, lambda: MODELS, lambda: describer)


@pytest.mark.parametrize("model", ["see", "unknown", "another", ""])
async def test_a_model_that_may_see_is_shown_pictures(model):
    assert await hands_on(describing, shown(CAT, model=model))


async def test_without_pictures_nothing_changes():
    assert await hands_on(describing, shown(Text("a")))


async def test_a_model_without_sight_is_refused_and_others_are_named():
    backend, inner = policy(describer="")
    with pytest.raises(InvalidRequest) as caught:
        await hear(backend, shown(ToolResult("c", (CAT,))))

    assert caught.value.param == "model"
    assert "Choose one that does: see (Seer);" in caught.value.message
    assert "`describe_images`" in caught.value.message
    assert inner.requests == []


async def test_where_nobody_is_known_to_see_nobody_is_named():
    backend, _ = policy(describer="", models=())
    with pytest.raises(InvalidRequest, match="Choose one that does;"):
        await hear(backend, shown(CAT))


async def test_a_describer_without_sight_is_no_help():
    backend, inner = policy(describer="blind")
    with pytest.raises(InvalidRequest, match="`describe_images` names blind"):
        await hear(backend, shown(CAT))
    assert inner.requests == []


async def test_a_describer_that_is_no_model_is_said_to_be_none():
    def none() -> str:
        raise ModelNotFound("There is no such model.")

    backend = DescribeImages(Scripted([]), SEES.get, lambda: MODELS, none)
    with pytest.raises(ModelNotFound, match="`describe_images`: There is no"):
        await hear(backend, shown(CAT))


async def test_a_description_stands_in_the_place_of_each_picture():
    backend, inner = policy(answer("A cat."), answer("A dog."), answer("I see."))
    request = shown(Text("what"), CAT, ToolResult("c", (Text("x"), DOG, CAT)))

    reply = await hear(backend, request)

    assert reply.parts == (Text("I see."),)
    first, second, last = inner.requests
    assert {(each.model, each.messages[0].parts[1]) for each in (first, second)} == {
        ("see", CAT),
        ("see", DOG),
    }
    text, cat, result = last.messages[0].parts
    assert text == Text("what")
    assert isinstance(cat, Text)
    assert isinstance(result, ToolResult)
    assert cat.text == (
        "[Picture 1, which you cannot see, as the model see describes it:\nA cat.\n]"
    )
    assert result.content[0] == Text("x")
    assert "A dog." in result.content[1].text  # type: ignore[union-attr]  # it is a text now
    assert result.content[2] == cat


async def test_it_is_said_and_counted():
    backend, _ = policy(
        answer("A cat.", usage=Usage(input=1000, output=50)),
        one_by_one(answer("I see.", usage=Usage(input=10, output=5))),
    )
    batches = await drain(backend, shown(CAT))

    assert batches[0][0].warnings == (  # type: ignore[union-attr]  # a reply starts there
        "The model blind sees no pictures: 1 described to it by see, not shown.",
    )
    assert batches[-1][-1].usage == Usage(input=1010, output=55)  # type: ignore[union-attr]  # and ends here


async def test_a_picture_is_described_once():
    backend, inner = policy(
        answer("A cat.", usage=Usage(1000, 50)), *[answer("I see.", usage=Usage(1, 1))] * 3
    )
    for turn in range(3):
        again = Image("image/png", bytes(bytearray(b"cat")))
        reply = await hear(
            backend,
            ask(Message("user", (again,)), *["x"] * turn, model="blind"),
        )

    assert len(inner.requests) == 4
    assert len({request.messages[0] for request in inner.requests[1:]}) == 1
    assert reply.usage == Usage(1, 1)


async def test_a_link_that_was_not_fetched_is_described_too():
    backend, inner = policy(answer("A cat."), answer("I see."))
    link = ImageLink("https://a.example/\udc80")

    await hear(backend, shown(link))

    assert inner.requests[0].messages[0].parts[1] == link


async def test_a_describer_that_fails_is_named():
    backend, _ = policy(RateLimited("Too many.", retry_after=3))
    with pytest.raises(RateLimited, match="see, which is to describe") as caught:
        await hear(backend, shown(CAT))
    assert caught.value.retry_after == 3


async def test_a_description_that_says_nothing_is_none():
    backend, _ = policy(answer(" \n"))
    with pytest.raises(UnfitAnswer, match="said nothing"):
        await hear(backend, shown(CAT))


async def test_whoever_hangs_up_leaves_nothing_running():
    await leaves_nothing_behind(
        describing, shown(CAT), answer("A cat."), one_by_one(answer("I see."))
    )


async def test_who_stops_waiting_stops_the_description():
    gate = asyncio.Event()
    backend, inner = policy([gate], [gate])
    asking = asyncio.create_task(hear(backend, shown(CAT, DOG)))
    while inner.speaking < 2:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])

    assert inner.speaking == 0
