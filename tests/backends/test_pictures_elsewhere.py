import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.pictures_elsewhere import PicturesElsewhere
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import ReplyStarted
from lingma_proxy.conversation.request import Image, ImageLink, Message, Text, ToolCall, ToolResult
from lingma_proxy.errors import BackendRefused, BackendUnavailable, NotLoggedIn
from support.backends import answer, ask, hands_on, hear, heard, leaves_nothing_behind

PICTURE = Image("image/png", b"\x89PNG")
CALL = Message("assistant", (ToolCall("c", "f", "{}"),))
SHOWN = ask(Message("user", (Text("see"), PICTURE)))


def both(*replies):
    usual, elsewhere = Scripted([answer("api")] * 5, [Model("kmodel", "K")]), Scripted(replies)
    return PicturesElsewhere(usual, elsewhere), usual, elsewhere


@pytest.mark.parametrize(
    "request_",
    [
        SHOWN,
        ask(Message("user", (ImageLink("https://a.example/b"),))),
        ask(CALL, Message("user", (ToolResult("c", (PICTURE,)),))),
        ask(Message("user", (PICTURE,)), Message("assistant", (Text("a"),)), "so?"),
    ],
    ids=["a picture", "a link", "in a result", "earlier"],
)
async def test_what_shows_a_picture_goes_elsewhere(request_):
    backend, usual, elsewhere = both(answer("plugin"))

    assert (await hear(backend, request_)).parts == (Text("plugin"),)
    assert (usual.requests, elsewhere.requests) == ([], [request_])


async def test_all_else_goes_the_usual_way_at_no_cost():
    assert await hands_on(lambda inner: PicturesElsewhere(inner, Scripted([])), ask("hi"))
    backend, *_ = both()

    assert [model.key for model in await backend.models()] == ["kmodel"]


@pytest.mark.parametrize("error", [BackendUnavailable("No plugin."), NotLoggedIn("Nobody.")])
async def test_who_is_not_there_is_told_with_what_to_do(error):
    backend, usual, _ = both(error)
    events, failure = await heard(backend, SHOWN)

    assert isinstance(failure, type(error))
    assert "image_delivery" in str(failure)
    assert (events, usual.requests) == ([], [])


@pytest.mark.parametrize(
    "script", [[BackendRefused("no", upstream=500)], [[ReplyStarted("r", "m")], BackendUnavailable("gone")]]
)  # fmt: skip
async def test_other_failures_are_passed_on(script):
    backend, *_ = both(script)
    _, failure = await heard(backend, SHOWN)

    assert failure is script[-1]


async def test_nothing_is_left_behind():
    await leaves_nothing_behind(
        lambda inner: PicturesElsewhere(Scripted([]), inner), SHOWN, *[answer("a")] * 9
    )
    backend, usual, elsewhere = both()
    await backend.aclose()

    assert (usual.closed, elsewhere.closed) == (True, True)
