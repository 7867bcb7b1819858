import asyncio

import pytest

from lingma_proxy.backends.choice import Choice
from lingma_proxy.conversation.request import Image, Message, Text, Tool
from lingma_proxy.errors import BackendUnavailable, NotLoggedIn, SettingsError
from lingma_proxy.gateway import agent_of, agents_installed, assemble, whoever_answers
from lingma_proxy.gateway.ways import transport_of
from lingma_proxy.settings import Settings
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.remote import Simulator
from support.backends import ask, hear, heard
from support.fresh import fresh, install
from support.login import write_cache
from support.pictures import plain


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    fresh(monkeypatch, home)
    return home


async def chosen(**settings):
    """The name of who answers, and why."""
    behind = whoever_answers(Settings(**settings))
    await behind.look()
    try:
        return behind.name(), behind.reason()
    finally:
        await behind.aclose()


async def test_a_login_goes_before_a_plugin_and_a_plugin_before_an_agent(home):
    name, why = await chosen()
    assert name == "remote"
    assert "neither Qoder CN nor Lingma is open" in why
    assert "none of the agents qodercli" in why

    install(home, "opencode")
    assert (await chosen())[0] == "acp"
    async with Plugin(home=home):
        assert (await chosen())[0] == "ipc"
        write_cache(home / ".lingma", expire_time=None)
        name, why = await chosen()
        assert name == "remote"
        assert "ipc: Qoder CN is running" in why
        assert "acp: opencode is installed" in why


async def test_what_the_settings_point_at_goes_first(home):
    write_cache(home / ".lingma", expire_time=None)
    install(home, "my-agent")
    name, why = await chosen(acp_command="my-agent --acp")
    assert (name, why.partition(" (")[0]) == ("acp", "The settings point at it")

    async with Plugin(("websocket",), form=None) as plugin:
        assert (await chosen(websocket_url=plugin.url))[0] == "ipc"
        pointed = {"websocket_url": plugin.url, "acp_command": "~/my-agent"}
        assert (await chosen(**pointed))[0] == "acp"
        assert (await chosen(**pointed, backend="remote"))[0] == "remote"


async def test_what_the_settings_point_at_may_not_be_there(home):
    write_cache(home / ".lingma", expire_time=None)

    assert (await chosen(acp_command="not-there"))[0] == "remote"
    assert (await chosen(pipe=str(home / "nothing.sock")))[0] == "remote"


@pytest.mark.parametrize("backend", ["auto", "remote"])
async def test_what_is_wrong_with_another_way_is_told_and_stops_nobody(home, backend):
    name, why = await chosen(backend=backend, cwd=str(home / "nowhere"))
    assert name == "remote"
    assert "ipc: cwd: there is no such folder;" in why


@pytest.mark.parametrize("backend", ["ipc", "acp"])
async def test_what_is_wrong_with_the_one_that_is_wanted_stops_it(home, backend):
    install(home, "opencode")
    settings = Settings(backend=backend, acp_command="opencode", cwd=str(home / "nowhere"))

    with pytest.raises(SettingsError, match="no such folder"):
        assemble(settings)


def test_an_agent_that_is_wanted_must_be_named(home):
    with pytest.raises(SettingsError, match=r"None is installed here\.$") as caught:
        assemble(Settings(backend="acp"))
    for word in ("--acp-command", "qodercli", "qoderclicn", "opencode", "qwen-code"):
        assert word in caught.value.message

    install(home, "qwen")
    with pytest.raises(SettingsError, match=r"Installed here: qwen-code\.$"):
        assemble(Settings(backend="acp"))


def test_a_command_line_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="acp_command"):
        agent_of(Settings(acp_command="it's"))


def test_an_agent_is_a_command_line_or_a_known_name(home):
    assert agent_of(Settings(acp_command="opencode")).command == ("opencode", "acp")
    assert agent_of(Settings(acp_command="~/a 'b c'")).command == (str(home / "a"), "b c")
    install(home, "qwen")
    install(home, "qoderclicn")
    assert agents_installed() == ["qoderclicn", "qwen-code"]
    assert agent_of(Settings()).flags == "--backend acp --acp-command qoderclicn"


async def test_the_other_ways_are_named_where_one_fails(home):
    install(home, "opencode")
    async with Plugin(home=home) as plugin:
        gateway = assemble(Settings(backend="remote"))
        _, error = await heard(gateway.backend, ask())
        await gateway.aclose()

    assert isinstance(error, NotLoggedIn)
    assert f"Available instead: --backend ipc (Qoder CN is running ({shown(plugin)}))" in str(error)
    assert "--backend acp --acp-command opencode (opencode is installed)." in str(error)


def shown(plugin):
    return f"~/{plugin.runtime.relative_to(plugin.home).as_posix()}/.info.json"


async def test_the_plugin_answers_and_says_where_it_is(home):
    async with Plugin(home=home):
        gateway = assemble(Settings())
        behind = gateway.behind
        assert "who is there" in behind.hurdle()
        gateway.start()
        reply = await hear(gateway.backend, ask("exactly one word: pong"))
        models = [model.key for model in await gateway.backend.models()]

        assert "".join(getattr(part, "text", "") for part in reply.parts).endswith("pong")
        assert "kmodel" in models
        assert (behind.name(), behind.peer(), behind.transport()) == (
            "ipc",
            "Qoder CN",
            "websocket",
        )
        assert behind.endpoint().startswith("ws://127.0.0.1:")
        assert behind.hurdle() == ""
        await gateway.aclose()


async def test_without_anybody_there_is_a_hurdle_that_says_what_to_do(home):
    gateway = assemble(Settings())
    gateway.start()
    await gateway.behind.look()
    hurdle, (_, error) = gateway.behind.hurdle(), await heard(gateway.backend, ask())
    await gateway.aclose()

    assert "Log in" in hurdle
    assert isinstance(error, NotLoggedIn)
    assert error.message.startswith(hurdle)
    assert "Nobody else is there either (ipc: neither Qoder CN nor Lingma is open;" in error.message
    assert len(asyncio.all_tasks()) == 1


async def test_a_plugin_that_is_wanted_and_not_there_is_a_hurdle_and_503(home):
    gateway = assemble(Settings(backend="ipc"))
    await gateway.behind.look()
    assert gateway.behind.hurdle() == "Neither Qoder CN nor Lingma is open."
    _, error = await heard(gateway.backend, ask())
    await gateway.aclose()

    assert isinstance(error, BackendUnavailable)
    assert gateway.behind.hurdle() == error.message


async def test_whoever_comes_later_answers(home):
    gateway = assemble(Settings())
    gateway.start()
    choice = gateway.behind.backend
    assert isinstance(choice, Choice)
    choice._clock = Soon()
    await heard(gateway.backend, ask())
    async with Plugin(home=home):
        assert (await hear(gateway.backend, ask("hello"))).parts
        assert gateway.behind.name() == "ipc"
        await gateway.aclose()


class Soon:
    """A clock by which it is always time to look again."""

    now = 0.0

    def __call__(self):
        self.now += 10
        return self.now


async def test_the_simulator_is_the_simulator_and_nobody_else(home):
    install(home, "opencode")
    async with Simulator() as simulator:
        settings = {"remote_base_url": simulator.url, "cache_dir": str(simulator.home)}
        assert await chosen(backend="simulator", **settings) == (
            "simulator",
            "The setting backend says so.",
        )


@pytest.mark.parametrize("url", ["http://example.com", "https://user:pw@example.com", "ftp://x"])
@pytest.mark.parametrize("backend", ["auto", "ipc"])
def test_a_login_is_not_sent_just_anywhere(url, backend):
    with pytest.raises(SettingsError, match="remote_base_url"):
        assemble(Settings(remote_base_url=url, backend=backend))


@pytest.mark.parametrize(
    ("endpoint", "transport"),
    [
        ("", "ipc"),
        ("ws://127.0.0.1:36510/", "websocket"),
        ("wss://plugin.example/", "websocket"),
        ("a socket of Qoder CN", "pipe"),
    ],
)
def test_the_transport_is_called_what_it_was_called_before(endpoint, transport):
    assert transport_of(endpoint) == transport


@pytest.mark.parametrize("backend", ["auto", "remote", "simulator"])
async def test_the_end_of_the_login_and_what_must_not_be_written_are_told(home, backend):
    write_cache(home / ".lingma", expire_time=1893456000000, key="a-key-that-signs")
    behind = whoever_answers(Settings(backend=backend))
    assert (behind.login_expires(), behind.secrets()) == (None, ())
    behind.start()
    try:
        async with asyncio.timeout(20):
            while not behind.secrets():
                await asyncio.sleep(0.01)
        assert behind.login_expires() == 1893456000
        assert "a-key-that-signs" in behind.secrets()
    finally:
        await behind.aclose()


async def test_pictures_go_to_the_plugin_where_the_settings_say_so(home):
    picture = Image("image/png", plain(3, 4))
    shown = ask(Message("user", (Text("What is it?"), picture)), tools=(Tool("look", "", {}),))
    async with Simulator(home=home / "login") as simulator:
        settings = Settings(
            image_delivery="ipc", remote_base_url=simulator.url, cache_dir=str(simulator.home)
        )
        gateway = assemble(settings)
        await hear(gateway.backend, ask("hi"))
        _, missing = await heard(gateway.backend, shown)
        async with Plugin(home=home):
            measured = await hear(gateway.backend, shown)
            await hear(gateway.backend, ask("hi"))
        await gateway.aclose()

    assert isinstance(missing, BackendUnavailable)
    assert "image_delivery" in missing.message
    assert "a PNG of 3x4 pixels" in "".join(getattr(part, "text", "") for part in measured.parts)
    assert not any("tools" in warning for warning in measured.warnings)  # they were told in words
    assert [seen.route for seen in simulator.requests if seen.route != "models"] == ["chat"] * 2
