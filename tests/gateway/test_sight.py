import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Script, Scripted
from lingma_proxy.conversation.request import Image, ImageLink, Message, Part, Text
from lingma_proxy.errors import InvalidRequest, SettingsError
from lingma_proxy.gateway import Behind, Gateway, over
from lingma_proxy.gateway.sight import fetcher, limits
from lingma_proxy.settings import Settings
from support.backends import answer, ask, hear
from support.foreign_host import answer as http
from support.foreign_host import foreign_host
from support.pictures import opened, plain

PNG = plain()
MODELS = (
    Model("kmodel", "Kimi-K2.6", sees=True),
    Model("mmodel", "MiniMax-M2.7", sees=False),
    Model("dashscope_qwen3_coder", "Qwen3-Coder"),
)


def gateway(*scripts: Script, **settings: object) -> tuple[Gateway, Scripted]:
    inner = Scripted(scripts or [answer("I see.")], MODELS)
    return over(Behind(inner), Settings(**settings)), inner  # type: ignore[arg-type]  # the test's word


async def shown(*parts: Part, model: str = "kmodel", **settings: object) -> list[Part]:
    """What becomes of the parts of a message."""
    stack, inner = gateway(**settings)
    await hear(stack.backend, ask(Message("user", parts), model=model))
    await stack.aclose()
    return list(inner.requests[0].messages[0].parts)


def test_units_are_those_of_the_settings():
    found = limits(Settings(image_max_side=100, image_max_mb=0.5, image_max_megapixels=3))

    assert (found.side, found.size, found.pixels) == (100, 2**19, 3_000_000)


async def test_links_are_fetched_as_the_settings_say():
    async with foreign_host({"/a.png": http(PNG)}) as host:
        link = ImageLink(host.link("/a.png"))

        assert await shown(link, fetch_private=("127.0.0.1",)) == [Image("image/png", PNG)]
        assert await shown(link, fetch_links=False) == [link]
        with pytest.raises(InvalidRequest, match="`fetch_private`"):
            await shown(link)
    assert fetcher(Settings(fetch_links=False)) is None


async def test_a_link_may_hold_so_much_as_the_settings_say():
    async with foreign_host({"/a.png": http(b"x" * (2**20 + 1))}) as host:
        link = ImageLink(host.link("/a.png"))

        with pytest.raises(InvalidRequest, match="`fetch_max_mb`"):
            await shown(link, fetch_private=("127.0.0.1",), fetch_max_mb=1)


async def test_files_are_read_below_the_folders_that_are_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(PNG)
    link = ImageLink((tmp_path / "a.png").as_uri())
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("USERPROFILE", str(tmp_path.parent))

    assert await shown(link, image_folders=(str(tmp_path),)) == [Image("image/png", PNG)]
    assert await shown(link, image_folders=("~",)) == [Image("image/png", PNG)]
    with pytest.raises(InvalidRequest, match="`image_folders`"):
        await shown(link)


def test_a_folder_must_be_written_out():
    with pytest.raises(SettingsError, match="'pictures' is no absolute path"):
        gateway(image_folders=("pictures",))


async def test_pictures_are_made_as_small_as_the_settings_say():
    [found] = await shown(Image("image/png", plain(200, 100)), image_max_side=64)

    assert isinstance(found, Image)
    assert opened(found.data).size == (64, 32)


@pytest.mark.parametrize("model", ["mmodel", "minimax-m2.7", "dashscope_qwen3_coder_default"])
async def test_whether_a_model_sees_is_known_from_the_list_or_else_by_its_name(model):
    stack, _ = gateway()
    question = ask(Message("user", (Image("image/png", PNG),)), model=model)
    if model == "dashscope_qwen3_coder_default":  # nobody knows
        await hear(stack.backend, question)
        return
    with pytest.raises(InvalidRequest, match="sees no pictures"):
        await hear(stack.backend, question)  # before any list was fetched
    await stack.backend.models()
    with pytest.raises(InvalidRequest, match=r"Choose one that does: kmodel \(Kimi-K2\.6\)"):
        await hear(stack.backend, question)


async def test_what_the_list_does_not_say_is_not_made_up():
    stack, _ = gateway()
    await stack.backend.models()
    picture = Message("user", (Image("image/png", PNG),))

    assert (await hear(stack.backend, ask(picture, model="qwen3-coder"))).parts


async def test_a_setting_lets_a_model_describe_by_any_name():
    stack, inner = gateway(answer("A cat."), answer("I see."), describe_images="Kimi-K2.6")

    await hear(stack.backend, ask(Message("user", (Image("image/png", PNG),)), model="mmodel"))

    first, second = inner.requests
    assert (first.model, second.model) == ("kmodel", "mmodel")
    [told] = second.messages[0].parts
    assert isinstance(told, Text)
    assert "A cat." in told.text
