"""Who answers: the ways to an answer that the settings lead to, and the choice among them.

    remote      Lingma's API, with the login of this machine
    ipc         the plugin that is running on it
    acp         an agent that is installed on it

The settings name one of them, or `auto` chooses the first that is there.
"""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from lingma_proxy.backend import Backend
from lingma_proxy.backends.acp import acp
from lingma_proxy.backends.answer import Timeouts
from lingma_proxy.backends.base_url import BaseUrl
from lingma_proxy.backends.choice import Choice, Nobody, Option, Presence
from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.ipc import ipc
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.logins import SYSTEMS
from lingma_proxy.backends.pictures_elsewhere import PicturesElsewhere, shows_pictures
from lingma_proxy.backends.presence import agent_presence, login_presence, plugin_presence
from lingma_proxy.backends.remote import Remote
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import NotLoggedIn, SettingsError
from lingma_proxy.settings import Settings
from lingma_proxy.vendor.acp_messages import PRESETS, command_of, environment_of
from lingma_proxy.vendor.places import System, chosen_url

if TYPE_CHECKING:
    from lingma_proxy.backends.remote import Encode

TO_START = 4
"""So many times as long as the plugin an agent may take to get ready."""


async def nothing() -> None:
    """There is nothing to look for."""


class Closing(Protocol):
    """Whatever can be let go of."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Behind:
    """Who answers, and what can be told about them without asking."""

    backend: Backend
    name: Callable[[], str] = lambda: "remote"
    """The backend that answers, as `--backend` has it; it may become another."""
    elsewhere: Callable[[ChatRequest], str] = lambda _: ""
    """Another backend that answers this one request; "" for none."""
    presence: Callable[[], Presence] = lambda: Presence(found=True, says="")
    """Whether it is there, by the last look."""
    reason: Callable[[], str] = lambda: "The setting backend says so."
    """Why it is this one, in a sentence, and what is known of the others."""
    peer: Callable[[], str] = str
    """Who answers there, as it calls itself; "" until that is known."""
    transport: Callable[[], str] = lambda: "remote"
    """How it is reached, in a word."""
    endpoint: Callable[[], str] = str
    """Where it is; "" until that is known."""
    hurdle: Callable[[], str] = str
    """Why requests would fail now, in a sentence; "" when nothing is known against it."""
    session_mode: str = "auto"
    """When sessions go on, where there are any."""
    login_methods: Callable[[], Sequence[str]] = tuple
    """How one logs in there, in its own words, as far as is known."""
    login_expires: Callable[[], float | None] = lambda: None
    """When the login that is used ends, in Unix seconds; None if it is not known, or none is."""
    login_ending: Callable[[], str] = str
    """That it ends soon, and what to do, in sentences; "" while it does not."""
    secrets: Callable[[], tuple[str, ...]] = tuple
    """What must never be written anywhere: the login's values, also those of just before."""
    settled: Callable[[], bool] = lambda: True
    """Whether it is known who answers."""
    look: Callable[[], Awaitable[None]] = nothing
    """Looks again who is there, unless it was just done.  It does not fail."""
    start: Callable[[], None] = lambda: None
    """Begins what goes on in the background."""
    helpers: Sequence[Closing] = ()
    """What is let go of after the backend."""

    async def aclose(self) -> None:
        await self.backend.aclose()
        for helper in self.helpers:
            await helper.aclose()


@dataclass(frozen=True)
class Way:
    """One way to an answer: an option, and what can be told about it."""

    option: Option
    transport: Callable[[], str]
    endpoint: Callable[[], str] = str
    hurdle: Callable[[], str] = str
    peer: Callable[[], str] = str
    login_methods: Callable[[], Sequence[str]] = tuple
    login_expires: Callable[[], float | None] = lambda: None
    login_ending: Callable[[], str] = str
    secrets: Callable[[], tuple[str, ...]] = tuple
    start: Callable[[], None] = lambda: None
    helpers: Sequence[Closing] = ()


def whoever_answers(settings: Settings) -> Behind:
    """The backend that the settings name, or the choice among all.  Raises SettingsError."""
    if settings.backend == "simulator":
        return remote(settings)
    plugin = plugin_way(settings)
    ways = [remote_way(settings, plugin.option.backend), plugin, agent_way(settings)]
    # What somebody has pointed at is meant; then the newest setting goes first.
    ordered = [
        *(way for way in reversed(ways) if way.option.pointed),
        *(way for way in ways if not way.option.pointed),
    ]
    choice = Choice([way.option for way in ordered], settings.backend)
    named = {way.option.name: way for way in ways}

    def way() -> Way:
        return named[choice.chosen.name]

    def hurdle() -> str:
        if not choice.seen:
            return "It is being looked who is there to answer."
        if hurdle := way().hurdle():
            return hurdle
        return "" if choice.there else sentence(choice.presence.says)

    def elsewhere(request: ChatRequest) -> str:
        diverted = settings.image_delivery == "ipc" and choice.chosen.name == "remote"
        return "ipc" if diverted and shows_pictures(request) else ""

    def start() -> None:
        for each in ways:
            each.start()
        choice.start()

    return Behind(
        backend=choice,
        name=lambda: choice.chosen.name,
        elsewhere=elsewhere,
        presence=lambda: choice.presence,
        reason=lambda: choice.reason,
        peer=lambda: way().peer(),
        transport=lambda: way().transport(),
        endpoint=lambda: way().endpoint(),
        hurdle=hurdle,
        session_mode=settings.session_mode,
        login_methods=lambda: way().login_methods(),
        login_expires=lambda: way().login_expires(),
        login_ending=lambda: way().login_ending(),
        secrets=lambda: tuple(secret for each in ways for secret in each.secrets()),
        settled=lambda: choice.settled,
        look=choice.look,
        start=start,
        helpers=[helper for each in ways for helper in each.helpers],
    )


def remote(settings: Settings) -> Behind:
    """Lingma's remote API and nobody else, or the simulator of it."""
    way = remote_way(settings)
    return Behind(
        backend=way.option.backend,
        name=lambda: settings.backend if settings.backend == "simulator" else "remote",
        transport=way.transport,
        endpoint=way.endpoint,
        hurdle=way.hurdle,
        login_expires=way.login_expires,
        login_ending=way.login_ending,
        secrets=way.secrets,
        start=way.start,
        helpers=way.helpers,
    )


def remote_way(settings: Settings, plugin: Backend | None = None) -> Way:
    """Lingma's remote API, or the simulator of it: the settings say where and as whom.

    Requests that show pictures go to the plugin, if the settings say so and there may be one.
    Raises SettingsError for an address that a login must not go to.
    """
    try:
        explicit = chosen_url(settings.remote_base_url) if settings.remote_base_url else ""
    except ValueError as error:
        raise SettingsError(f"remote_base_url: {error}.") from None
    login = login_of(settings)
    base_url = BaseUrl(explicit, login)
    vendor = Remote(
        login,
        base_url,
        Timeouts(settings.connect_timeout, settings.first_byte_timeout),
        encode=cast("Encode", settings.encode_body),  # the table allows no other
        delivery="data" if settings.image_delivery == "data" else "upload",
        cosy_version=settings.remote_version,
        proxy=settings.remote_proxy_url or None,
    )

    backend: Backend = vendor
    if settings.image_delivery == "ipc" and plugin is not None:
        backend = PicturesElsewhere(vendor, plugin)

    def hurdle() -> str:
        try:
            login.current()
        except NotLoggedIn as error:
            return error.message
        return ""

    return Way(
        Option(
            "remote",
            backend,
            partial(login_presence, login),
            pointed=login.named,
        ),
        transport=lambda: "remote",
        endpoint=lambda: base_url.known,
        hurdle=hurdle,
        login_expires=lambda: login.expires_at,
        login_ending=login.ending,
        secrets=login.secrets,
        start=login.start,
        helpers=(login,),
    )


def login_of(settings: Settings) -> Login:
    """The login that the settings lead to; nobody has looked for it yet."""
    if settings.login != "auto":
        return Login(settings.login)
    if settings.remote_auth_file:
        return Login(settings.remote_auth_file, named_by="remote_auth_file")
    if settings.cache_dir:
        return Login(settings.cache_dir, named_by="cache_dir (LINGMA_CACHE_DIR)")
    return Login()


def plugin_way(settings: Settings) -> Way:
    """The plugin on this machine.  Raises SettingsError only where it is the one that is wanted."""
    try:
        discovery = discovery_of(settings)
        backend = ipc(
            discovery,
            setup=settings.setup_timeout,
            session_mode=settings.session_mode,
            cwd=settings.cwd,
            current_file=settings.current_file_path,
            mode=settings.mode,
            shell=settings.shell_type,
        )
    except SettingsError as error:
        return unfit("ipc", settings, error)
    return Way(
        Option("ipc", backend, partial(plugin_presence, discovery), pointed=discovery.is_set),
        transport=lambda: transport_of(backend.endpoint),
        endpoint=lambda: backend.endpoint,
        hurdle=lambda: backend.trouble,
        peer=lambda: backend.peer_name,
    )


def discovery_of(settings: Settings) -> Discovery:
    """Raises SettingsError."""
    return Discovery(
        transport=settings.transport,
        pipe=settings.pipe,
        socket=settings.ipc_socket,
        url=settings.websocket_url,
        info=at_home(settings.shared_client_info),
    )


def transport_of(endpoint: str) -> str:
    """In the words of Lingma Proxy 1.6, which calls a socket a pipe."""
    if not endpoint:
        return "ipc"
    return "websocket" if endpoint.startswith(("ws://", "wss://")) else "pipe"


def agent_way(settings: Settings) -> Way:
    """An agent on this machine.  Raises SettingsError only where it is the one that is wanted."""
    try:
        agent = agent_of(settings)
        backend = acp(
            agent.command,
            environment=agent.environment,
            setup=settings.setup_timeout * TO_START,
            session_mode=settings.session_mode,
            cwd=settings.cwd,
        )
    except SettingsError as error:
        return unfit("acp", settings, error)
    return Way(
        Option(
            "acp",
            backend,
            partial(agent_presence, agent.command[0]),
            flags=agent.flags,
            pointed=bool(settings.acp_command),
        ),
        transport=lambda: "stdio",
        endpoint=lambda: backend.endpoint,
        hurdle=lambda: backend.trouble,
        peer=lambda: backend.peer_name,
        login_methods=lambda: backend.login_methods,
    )


@dataclass(frozen=True)
class AgentCommand:
    command: Sequence[str]
    """A program and its arguments."""
    environment: Mapping[str, str]
    """Variables that go with it, where we have not got them ourselves."""
    flags: str
    """What chooses it on the command line."""


def agent_of(settings: Settings) -> AgentCommand:
    """The agent that the settings name, else the first known one that is installed.

    Raises SettingsError.  Where the settings want an agent and name none, that is one: which
    program may use its tools on this machine is not to be guessed.
    """
    if settings.acp_command:
        try:
            program, *rest = command_of(settings.acp_command, system())
        except ValueError as error:
            raise SettingsError(f"acp_command: {error}.") from None
        environment = environment_of(settings.acp_command)
        return AgentCommand((at_home(program), *rest), environment, "--backend acp")
    installed = agents_installed()
    if settings.backend == "acp":
        here = (
            f"Installed here: {', '.join(installed)}." if installed else "None is installed here."
        )
        raise SettingsError(
            "--backend acp needs an agent: set acp_command (--acp-command) to the command line that"
            f" starts one, or to the name of a known one: {', '.join(PRESETS)}. {here}"
        )
    if not installed:
        raise SettingsError(f"none of the agents {', '.join(PRESETS)} is installed")
    name = installed[0]
    flags = f"--backend acp --acp-command {name}"
    return AgentCommand(command_of(name, system()), environment_of(name), flags)


def agents_installed() -> list[str]:
    """Names of the known agents whose programs are there."""
    return [name for name in PRESETS if shutil.which(command_of(name, system())[0])]


def system() -> System:
    return SYSTEMS.get(sys.platform, "linux")


def unfit(name: str, settings: Settings, error: SettingsError) -> Way:
    """Stands for a way that these settings do not lead to.  Raises the error if it is wanted."""
    if settings.backend == name:
        raise error

    async def look() -> Presence:
        return Presence(found=False, says=error.message.rstrip("."))

    return Way(Option(name, Nobody(sentence(error.message)), look), transport=lambda: name)


def at_home(path: str) -> str:
    """A path, or the name of a program, with ~ for the home written out."""
    return os.path.expanduser(path)  # noqa: PTH111 — a name is to stay a name


def sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:].rstrip(".") + "."
