"""Settings in, a gateway out.

    Settle ▸ ChooseModel ▸ Limit ▸ PrepareDocuments ▸ PrepareImages ▸ DescribeImages ▸ SearchWeb
      ▸ FitNames ▸ AnswerInJson ▸ MeasureUsage ▸ Fallback ▸ CutOff ▸ OneCall ▸ LimitEach
      ▸ EmulateTools ▸ SplitThinking ▸ ContinuePrefill ▸ TimeOut ▸ TakeNotes ▸ RememberModels
      ▸ Choice ▸ remote, ipc or acp

Each is a backend that holds the next.  What is done once for a request stands outside;
what must see every attempt at an answer stands inside.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from lingma_proxy.backend import Backend, Model
from lingma_proxy.conversation.estimator import Estimator
from lingma_proxy.conversation.notes import ExchangeNotes, Noting
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import ModelNotFound, SettingsError
from lingma_proxy.gateway.counters import Counters
from lingma_proxy.gateway.front import Serving, serving
from lingma_proxy.gateway.loop_lag import LoopLag
from lingma_proxy.gateway.sight import fetcher, with_sight
from lingma_proxy.gateway.substitutes import substitutes
from lingma_proxy.gateway.ways import Behind, whoever_answers
from lingma_proxy.policies.answer_in_json import AnswerInJson
from lingma_proxy.policies.check_grammar import CheckGrammar
from lingma_proxy.policies.choose_model import ChooseModel, Names
from lingma_proxy.policies.continue_prefill import ContinuePrefill
from lingma_proxy.policies.cut_off import CutOff
from lingma_proxy.policies.emulate_tools import EmulateTools
from lingma_proxy.policies.fallback import Bounds, Fallback
from lingma_proxy.policies.fit_names import FitNames
from lingma_proxy.policies.limit import Limit
from lingma_proxy.policies.limit_each import LimitEach
from lingma_proxy.policies.measure_usage import MeasureUsage
from lingma_proxy.policies.one_call import OneCall
from lingma_proxy.policies.places import Places
from lingma_proxy.policies.prepare_documents import PrepareDocuments
from lingma_proxy.policies.remember_models import RememberModels
from lingma_proxy.policies.search_web import Search, SearchWeb
from lingma_proxy.policies.settle import Settle
from lingma_proxy.policies.skipped import Skipped
from lingma_proxy.policies.split_thinking import SplitThinking
from lingma_proxy.policies.take_notes import TakeNotes
from lingma_proxy.policies.time_out import TimeOut
from lingma_proxy.profile import ToolFormat
from lingma_proxy.recording.recording import Recording
from lingma_proxy.recording.retention import Retention
from lingma_proxy.settings import DEFAULT_MODEL, Settings
from lingma_proxy.transports.search import searcher
from lingma_proxy.vendor.models import ALIASES, KNOWN
from lingma_proxy.vendor.profiles import UNKNOWN, profile_of

log = logging.getLogger("lingma_proxy.gateway")

VENDOR_KEYS = frozenset(model.key for model in KNOWN)


TAKE_NO_TOOLS = frozenset(("ipc", "acp"))
"""Backends that have no place for the client's tools."""


@dataclass(frozen=True)
class Lasting:
    """What a gateway remembers, and another one with other settings may go on with."""

    remembered: RememberModels
    recording: Recording
    estimator: Estimator
    """Counts tokens, as those who answer count them."""
    places: Places
    places_of_models: dict[str, Places]
    skipped: Skipped
    """Which models are passed over, because they keep failing."""
    counters: Counters
    lag: LoopLag


def lasting_of(behind: Behind, settings: Settings) -> Lasting:
    places = Places(settings.max_concurrent, settings.max_queue, settings.queue_timeout)
    return Lasting(
        RememberModels(behind.backend, settings.models_lifetime, whose=behind.name),
        recording_of(settings),
        Estimator(
            lambda key: profile_of(key).counts_as, lambda key: profile_of(key).recalls_thinking
        ),
        places,
        {},
        Skipped(),
        Counters(),
        LoopLag(lambda: places.running > 0),
    )


@dataclass
class Gateway:
    """What the server serves.  Made by `over` or `assemble`; it may `become` another."""

    backend: Backend
    """The whole stack: what a client's request is handed to."""
    settings: Settings = field(repr=False)
    """What it was made from."""
    serving: Serving
    behind: Behind
    limit: Limit
    lasting: Lasting
    resolve: Callable[[str], str]
    """The key that a client's name for a model means.  Raises ModelNotFound."""
    default_model: Callable[[], str]
    """The name of the model for requests that name none; "": whoever answers chooses."""
    noting: Noting | None = None
    """How much is noted of each exchange; None: only what the log and the numbers need."""
    observers: list[Callable[[ExchangeNotes], None]] = field(default_factory=list)
    """Who is told of each exchange when it is over, once.  They are quick, and do not fail."""

    @property
    def remembered(self) -> RememberModels:
        return self.lasting.remembered

    @property
    def recording(self) -> Recording:
        return self.lasting.recording

    @property
    def estimator(self) -> Estimator:
        return self.lasting.estimator

    @property
    def counters(self) -> Counters:
        return self.lasting.counters

    @property
    def lag(self) -> LoopLag:
        return self.lasting.lag

    @property
    def skipped(self) -> Skipped:
        return self.lasting.skipped

    def ended(self, notes: ExchangeNotes) -> None:
        """Tell the observers of an exchange."""
        for observer in self.observers:
            try:
                observer(notes)
            except Exception:  # one that fails must not keep it from the others
                log.exception("A fault of Lingma Proxy: an exchange could not be noted")

    def count(self, request: ChatRequest) -> int:
        """The tokens of a request, an estimate, for the model that its name means.

        A model that is not known is counted as well: a count promises nothing.
        """
        with suppress(ModelNotFound):
            request = replace(request, model=self.resolve(request.model) or request.model)
        return self.estimator.request(request)

    def become(self, other: "Gateway") -> None:
        """Be the other one from now on, for all who hold this one.

        Replies that are being said go on as they began.
        """
        self.__dict__.update(other.__dict__)

    def start(self) -> None:
        """Begin what goes on in the background.  Waits for nothing; a loop must run."""
        self.behind.start()
        self.lag.start()
        self.remembered.refresh_soon()

    async def aclose(self) -> None:
        self.lag.stop()
        await self.backend.aclose()
        await self.behind.aclose()
        await self.recording.aclose()


def assemble(settings: Settings) -> Gateway:
    """The gateway that the settings describe.  Raises SettingsError."""
    return over(whoever_answers(settings), settings)


def over(behind: Behind, settings: Settings, lasting: Lasting | None = None) -> Gateway:
    """The stack of policies over whoever answers.  `lasting`: what is there of it already."""

    def answering(request: ChatRequest) -> str:
        return behind.elsewhere(request) or behind.name()

    lasting = lasting or lasting_of(behind, settings)
    estimator, remembered = lasting.estimator, lasting.remembered
    backend: Backend = TakeNotes(remembered)  # innermost: what is really asked and answered
    backend = TimeOut(
        backend,
        settings.first_byte_timeout,
        settings.idle_timeout,
        settings.timeout,
        who=lambda: behind.peer() or "Lingma",
    )
    backend = ContinuePrefill(backend)  # inside CutOff: a stop may be in the prefill
    backend = SplitThinking(backend, profile_of)  # inside CutOff: a stop is looked for in text
    counting = MeasureUsage(backend, estimator)  # with tools told in words
    backend = EmulateTools(
        backend,
        needs_of(
            settings,
            answering,
            remembered.known,
        ),
        counting=counting,
        ask_again=settings.ask_again_for_calls,
    )
    backend = LimitEach(  # outside: a question that is asked again has its place already
        backend,
        lambda model: settings.model_limits.get(model, settings.max_concurrent_per_model),
        settings.max_queue,
        settings.queue_timeout,
        overall=lambda: lasting.places,
        models=lasting.places_of_models,
    )
    backend = OneCall(backend)  # outside: both kinds of calls
    backend = CutOff(backend, estimator.meter)
    names = names_of(settings, behind.name)
    if settings.remote_fallback_enabled:  # outside of all that tells the vendor to stop
        others = substitutes(settings, remembered.known, names, answering)
        backend = Fallback(backend, others, lasting.skipped, bounds_of(settings))
    backend = MeasureUsage(backend, estimator)  # outside: a cut loses the usage
    backend = AnswerInJson(backend)  # outside: two attempts, both measured
    backend = FitNames(backend)
    backend = SearchWeb(backend, search_of(settings))  # outside: each of its turns is an answer
    links = fetcher(settings)
    backend = with_sight(backend, settings, links, remembered.known, lambda: choose)
    backend = PrepareDocuments(
        backend, links.fetch if links else None, most_pages=settings.document_max_pages
    )
    backend = limit = Limit(backend, lasting.places)
    backend = choose = ChooseModel(backend, remembered.known, names, missed=remembered.refresh_soon)
    backend = Settle(backend, behind.settled, behind.look)
    if settings.check_grammar:
        backend = CheckGrammar(backend)
    lasting.recording.exchanges.secrets = lambda: (*behind.secrets(), settings.api_key)
    return Gateway(
        backend,
        settings,
        serving(settings),
        behind,
        limit,
        lasting,
        choose.resolve,
        lambda: names().default,
        noting_of(settings),
        [
            lasting.counters.hear,
            lasting.recording.totals.keep,
            partial(keep, lasting.recording),
        ],
    )


def bounds_of(settings: Settings) -> Bounds:
    return Bounds(settings.fallback_attempts, settings.fallback_budget, settings.fallback_patience)


def search_of(settings: Settings) -> Search | None:
    try:
        return searcher(settings.web_search)
    except ValueError as error:
        raise SettingsError(f"web_search: {error}.") from None


def noting_of(settings: Settings) -> Noting | None:
    if settings.recording != "on":
        return None
    return Noting(settings.recording_body_kb * 2**10, settings.recording_bodies)


def keep(recording: Recording, notes: ExchangeNotes) -> None:
    """An observer of exchanges: those that are worth it are kept."""
    if notes.recorded:
        recording.exchanges.keep(notes)


def recording_of(settings: Settings) -> Recording:
    return Recording(
        Path(settings.data_dir).expanduser() if settings.data_dir else None,
        Retention(settings.recording_days, settings.recording_count, settings.recording_mb * 2**20),
        on=settings.recording == "on",
        bodies=settings.recording_bodies,
        most=settings.recording_body_kb * 1024,
    )


def needs_of(
    settings: Settings,
    answering: Callable[[ChatRequest], str],
    known: Callable[[], Sequence[Model]],
) -> Callable[[ChatRequest], ToolFormat | None]:
    """In which form a request's calls are written as text; None where tools are passed on."""

    def needs(request: ChatRequest) -> ToolFormat | None:
        if settings.emulate_tools == "never":
            return None
        profile = profile_of(request.model)
        if profile is UNKNOWN:
            names = (model.name for model in known() if model.key == request.model)
            profile = profile_of(next(names, ""))
        takes_tools = answering(request) not in TAKE_NO_TOOLS and profile.native_tools
        return None if takes_tools and settings.emulate_tools == "auto" else profile.tool_format

    return needs


def names_of(settings: Settings, answering: Callable[[], str]) -> Callable[[], Names]:
    """What names of models mean besides the list, by who answers.

    The plugin has the same keys as the vendor's API.  Of an agent's models nothing is known
    but what it lists; unless somebody has chosen one, it answers with its own.
    """
    vendors = Names(
        default=settings.model,
        aliases=settings.model_aliases,
        foreign=settings.foreign_models,
        claude_names=settings.claude_names,
        vendor_keys=VENDOR_KEYS,
        usual=ALIASES,
    )
    agents = replace(
        vendors,
        default="" if settings.model == DEFAULT_MODEL else settings.model,
        vendor_keys=frozenset(),
        usual={},
        auto="",
    )
    return lambda: agents if answering() == "acp" else vendors
