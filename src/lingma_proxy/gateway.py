"""The composition root: settings in, a gateway out.  Nothing below reads settings.

    ChooseModel ▸ Limit ▸ PrepareImages ▸ FitNames ▸ AnswerInJson ▸ MeasureUsage ▸ CutOff
      ▸ ContinuePrefill ▸ RememberModels ▸ the vendor

Each is a backend that holds the next.  What is done once for a request stands outside;
what must see every attempt at an answer stands inside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol, cast

from lingma_proxy.backend import Backend
from lingma_proxy.backends.login import BaseUrl, Login
from lingma_proxy.backends.remote import Remote, Timeouts
from lingma_proxy.conversation.tokens import TokenMeter, count_request, count_text
from lingma_proxy.errors import NotLoggedIn, SettingsError
from lingma_proxy.policies.answer_in_json import AnswerInJson
from lingma_proxy.policies.check_grammar import CheckGrammar
from lingma_proxy.policies.choose_model import ChooseModel, Names
from lingma_proxy.policies.continue_prefill import ContinuePrefill
from lingma_proxy.policies.cut_off import CutOff
from lingma_proxy.policies.fit_names import FitNames
from lingma_proxy.policies.limit import Limit
from lingma_proxy.policies.measure_usage import MeasureUsage
from lingma_proxy.policies.prepare_images import PrepareImages
from lingma_proxy.policies.remember_models import RememberModels
from lingma_proxy.settings import Settings
from lingma_proxy.vendor.models import ALIASES, KNOWN
from lingma_proxy.vendor.places import chosen_url

if TYPE_CHECKING:
    from lingma_proxy.backends.remote import Encode

VENDOR_KEYS = frozenset(model.key for model in KNOWN)


class Closing(Protocol):
    """Whatever can be let go of."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Serving:
    """What the server in front needs to know, as plain values."""

    host: str = "127.0.0.1"
    port: int = 8095
    api_key: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body: int = 32 * 2**20
    """Bytes."""
    heartbeat: float = 10.0
    """Seconds of silence after which a stream gets a sign of life."""
    shutdown_grace: float = 10.0
    """Seconds that streams have to end when the server stops."""
    claude_names: bool = False
    """Whether `/v1/models` also lists `claude-<key>` for each model."""
    default_model: str = "kmodel"


@dataclass(frozen=True)
class Behind:
    """The vendor, and what can be told about it without asking it."""

    backend: Backend
    transport: str = "remote"
    """How the vendor is reached, in a word."""
    endpoint: Callable[[], str] = str
    """Where the vendor is; "" until that is known."""
    hurdle: Callable[[], str] = str
    """Why requests would fail now, in a sentence; "" when nothing is known against it."""
    start: Callable[[], None] = lambda: None
    """Begins what goes on in the background."""
    helpers: Sequence[Closing] = ()
    """What is let go of after the backend."""


@dataclass(frozen=True)
class Gateway:
    """What the server serves.  Made by `over` or `assemble`."""

    backend: Backend
    """The whole stack: what a client's request is handed to."""
    serving: Serving
    behind: Behind
    limit: Limit
    remembered: RememberModels
    resolve: Callable[[str], str]
    """The key that a client's name for a model means.  Raises ModelNotFound."""

    def start(self) -> None:
        """Begin what goes on in the background.  Waits for nothing; a loop must run."""
        self.behind.start()
        self.remembered.refresh_soon()

    async def aclose(self) -> None:
        await self.backend.aclose()
        for helper in self.behind.helpers:
            await helper.aclose()


def assemble(settings: Settings) -> Gateway:
    """The gateway that the settings describe.  Raises SettingsError."""
    return over(remote(settings), settings)


def over(behind: Behind, settings: Settings) -> Gateway:
    """The stack of policies over a vendor."""
    remembered = RememberModels(behind.backend, settings.models_lifetime)
    backend: Backend = ContinuePrefill(remembered)  # inside CutOff: a stop may be in the prefill
    backend = CutOff(backend, TokenMeter)
    backend = MeasureUsage(backend, count_request, count_text)  # outside: a cut loses the usage
    backend = AnswerInJson(backend)  # outside: two attempts, both measured
    backend = FitNames(backend)
    backend = PrepareImages(backend)
    backend = limit = Limit(
        backend, settings.max_concurrent, settings.max_queue, settings.queue_timeout
    )
    names = Names(
        default=settings.model,
        aliases=settings.model_aliases,
        foreign=settings.foreign_models,
        claude_names=settings.claude_names,
        vendor_keys=VENDOR_KEYS,
        usual=ALIASES,
    )
    backend = choose = ChooseModel(
        backend, remembered.known, lambda: names, missed=remembered.refresh_soon
    )
    if settings.check_grammar:
        backend = CheckGrammar(backend)
    return Gateway(backend, serving(settings), behind, limit, remembered, choose.resolve)


def remote(settings: Settings) -> Behind:
    """Lingma's remote API, or the simulator of it: the settings say where and as whom.

    Raises SettingsError for an address that a login must not go to.
    """
    try:
        explicit = chosen_url(settings.remote_base_url) if settings.remote_base_url else ""
    except ValueError as error:
        raise SettingsError(f"remote_base_url: {error}.") from None
    login = Login(file=settings.remote_auth_file, cache_dir=settings.cache_dir)
    base_url = BaseUrl(explicit, login)
    vendor = Remote(
        login,
        base_url,
        Timeouts(
            connect=settings.connect_timeout,
            first_byte=settings.first_byte_timeout,
            idle=settings.idle_timeout,
            total=settings.timeout,
        ),
        encode=cast("Encode", settings.encode_body),  # the table allows no other
        cosy_version=settings.remote_version,
        proxy=settings.remote_proxy_url or None,
    )

    def hurdle() -> str:
        try:
            login.current()
        except NotLoggedIn as error:
            return error.message
        return ""

    return Behind(
        backend=vendor,
        transport=settings.backend,
        endpoint=lambda: base_url.known,
        hurdle=hurdle,
        start=login.start,
        helpers=(login,),
    )


def serving(settings: Settings) -> Serving:
    """Raises SettingsError where the settings would open the login to the network."""
    if not (is_loopback(settings.host) or settings.api_key or settings.open_bind):
        raise SettingsError(
            f"Listening on {settings.host} lets others on the network use your login."
            " Set a key (`api_key`), or say that you mean it (`--open-bind`)."
        )
    return Serving(
        host=settings.host,
        port=settings.port,
        api_key=settings.api_key,
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        max_body=settings.max_body_mb * 2**20,
        heartbeat=settings.heartbeat,
        shutdown_grace=settings.shutdown_grace,
        claude_names=settings.claude_names,
        default_model=settings.model,
    )


def is_loopback(host: str) -> bool:
    """Whether a host that one can bind to is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
