"""The vendor's remote side, on a loopback port.

    async with Simulator(home=folder) as simulator:
        …  # point `LINGMA_REMOTE_BASE_URL` at simulator.url, `LINGMA_CACHE_DIR` at folder

It verifies what the vendor verifies, says what `script` says, and breaks as `faults`
tells it to.  It remembers what it was asked and what became of it, so that a test can
look.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from aiohttp import web

from lingma_proxy.jsonio import JsonObject, dumpb, loads
from lingma_proxy.simulator import chat_body, cipher, faults, script
from lingma_proxy.simulator.bearer import Verifier
from lingma_proxy.simulator.carry import carry
from lingma_proxy.simulator.catalogue import Catalogue
from lingma_proxy.simulator.chunks import Line, Opening, lines
from lingma_proxy.simulator.delivery import Step, refused, stream, whole
from lingma_proxy.simulator.faults import Faults
from lingma_proxy.simulator.home import Login, new_login, write_home
from lingma_proxy.simulator.local_server import LocalServer
from lingma_proxy.simulator.refusal import Refusal, bad_request
from lingma_proxy.simulator.script import Answer
from lingma_proxy.simulator.seen import Outcome, Route, Seen
from lingma_proxy.simulator.uploads import Uploads

CHAT = "/algo/api/v2/service/pro/sse/agent_chat_generation"
MODELS = "/algo/api/v2/model/list"
UPLOAD = "/algo/api/v2/image/upload"
POLICY = "/algo/api/v2/config/getDataPolicy"

MAX_BODY = 64 * 1024 * 1024
LARGE = 256 * 1024
"""Bodies above this are looked at in a thread, so that the loop can go on."""

AUTO: Final = "auto"


class Simulator(LocalServer):
    """The server.  Nothing of it is left after `close`.

    host, port      where it listens; port 0 takes a free one
    home            a runtime directory for a made-up login cache, written at the start
                    (`LINGMA_CACHE_DIR` points at it); without one, a temporary directory
    login           whose login that is; without one, somebody new
    pace            seconds between two words
    models          entries to add to the model list
    max_skew        seconds that `Cosy-Date` may be off; None: any
    refuse_replays  whether a requestId may come only once
    always          faults of every answer, as `faults.parse` reads them
    upload_path     where pictures are uploaded; elsewhere there is nothing (404)
    remember        how many requests are kept in `requests`; a server for people keeps 0
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        home: Path | None = None,
        login: Login | None = None,
        pace: float = 0,
        models: Sequence[JsonObject] = (),
        max_skew: float | None = None,
        refuse_replays: bool = False,
        always: str = "",
        upload_path: str = UPLOAD,
        remember: int = 50,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(host, port, home)
        self.login = login or new_login(clock=clock)
        self.pace = pace
        self.requests: deque[Seen] = deque(maxlen=remember)
        """What was asked, oldest first."""
        self._clock = clock
        self._verifier = Verifier(clock, max_skew, refuse_replays=refuse_replays)
        self._catalogue = Catalogue(models)
        self._always = faults.parse(always)
        self._upload_path = upload_path
        self._next: dict[Route, deque[Faults]] = {}
        self._of_model: dict[str, Faults] = {}
        self._answers: deque[Answer] = deque()
        self._uploads = Uploads()
        self._arrived = 0
        self._arrival = asyncio.Condition()
        self._handlers: set[asyncio.Task[object]] = set()
        self._closing = False

    # Its life.

    async def _start(self) -> None:
        await self._settle("lingma-sim-")
        await asyncio.to_thread(write_home, self.home, self.login)
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post(CHAT, self._chat)
        application.router.add_get(MODELS, self._models, allow_head=False)
        application.router.add_post(self._upload_path, self._upload)
        application.router.add_get(POLICY, self._policy, allow_head=False)
        await self._listen(application)

    async def close(self) -> None:
        """Stop at once: whatever is being said is cut off.  Safe to call twice."""
        self._closing = True
        for task in self._handlers:
            task.cancel()
        await super().close()

    @property
    def url(self) -> str:
        """The base URL, as a setting takes it."""
        return f"http://{self.authority}"

    # What tests ask of it.

    def next(self, *names: str, times: int = 1, route: Route = "chat") -> None:
        """Faults for the next request on a route, or the next few, in the order of calls.

        Without names: an answer without faults.
        """
        self._next.setdefault(route, deque()).extend([faults.parse_all(names)] * times)

    def always(self, *names: str) -> None:
        """Faults for every answer for which `next` has none; none of them to stop."""
        self._always = faults.parse_all(names)

    def always_of(self, model: str, *names: str) -> None:
        """Faults for every answer of one model, besides all others; none of them to stop."""
        self._of_model[model] = faults.parse_all(names)

    def say(
        self,
        deltas: Iterable[str | JsonObject],
        *,
        finish: str | None = AUTO,
    ) -> None:
        """The next answer, to the letter: deltas as OpenAI has them, or just text.

        `finish` is `tool_calls` or `stop` by itself; None leaves it unsaid.
        """
        exact = tuple({"content": delta} if isinstance(delta, str) else delta for delta in deltas)
        if finish == AUTO:
            finish = "tool_calls" if any("tool_calls" in delta for delta in exact) else "stop"
        self._answers.append(Answer(exact, finish))

    async def arrived(self, count: int) -> Seen:
        """The latest request, once so many have come since the start."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: self._arrived >= count)
        return self.requests[-1]

    def renew_login(self) -> Login:
        """The person logs in again: a new key in the home, and the old one is refused."""
        self._verifier.revoked.add(self.login.cosy_key)
        self.login = write_home(self.home, new_login(clock=self._clock))
        return self.login

    # The routes.

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        def steps(seen: Seen) -> Iterable[Step]:
            body = self._chat_body(request, seen)
            turn = script.find_turn(body)
            asked = faults.NONE if turn.results else faults.in_text(turn.question)
            key = body.model_config.key
            of_model = self._of_model.get(key, faults.NONE)
            seen.faults = self._chosen(request, seen.route) | of_model | asked
            if not self._catalogue.has(key):
                return self._model_refused(404, f"there is no model {key[:80]!r}")
            if not self._catalogue.enabled(key):
                return self._model_refused(
                    403, f"the model {key!r} is not enabled for this account"
                )
            if self._answers:
                answer = self._answers.popleft()
            else:
                answer = script.answer(body, new_call_id, self._uploads.look)
            opening = Opening(
                id=f"chatcmpl-{uuid4().hex}",
                model=key or "auto",
                created=int(self._clock()),
                prompt_tokens=len(dumpb(seen.body["messages"])) // 4,
            )
            return stream(lines(answer, opening, seen.faults), seen.faults, self.pace)

        return await self._handle(request, "chat", steps)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        def steps(seen: Seen) -> Iterable[Step]:
            seen.faults = self._chosen(request, seen.route)
            return whole(dumpb(self._catalogue.response()), seen.faults)

        return await self._handle(request, "models", steps)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        def steps(seen: Seen) -> Iterable[Step]:
            seen.faults = self._chosen(request, seen.route)
            if seen.encoded:
                raise bad_request("an upload is never encoded")
            answer = self._uploads.answer(seen.body, seen.query, seen.faults)
            return whole(dumpb(answer), seen.faults)

        return await self._handle(request, "upload", steps)

    async def _policy(self, request: web.Request) -> web.StreamResponse:
        def steps(seen: Seen) -> Iterable[Step]:
            seen.faults = self._chosen(request, seen.route)
            answer = {
                "requestId": request.query.get("requestId", ""),
                "success": True,
                "errorCode": "",
                "errorMessage": "",
                "data": {"agreed": True, "modifiable": True},
            }
            return whole(dumpb(answer), seen.faults)

        return await self._handle(request, "policy", steps)

    # What they share.

    async def _handle(
        self,
        request: web.Request,
        route: Route,
        steps: Callable[[Seen], Iterable[Step]],
    ) -> web.StreamResponse:
        """Read, verify, answer, and note what became of it."""
        seen = Seen(
            route,
            request.method,
            request.rel_url.raw_path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
        )
        self.requests.append(seen)
        self._arrived += 1
        async with self._arrival:
            self._arrival.notify_all()
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            try:
                seen.raw = await request.read()
                if len(seen.raw) > LARGE:
                    taken = await asyncio.to_thread(self._judge, request, seen, steps)
                else:
                    taken = self._judge(request, seen, steps)
                outcome = Outcome.FINISHED
            except Refusal as refusal:
                seen.refusal = refusal
                taken = refused(refusal)
                outcome = Outcome.REFUSED
            seen.answering.set()
            response = await carry(request, seen, taken)
            seen.outcome = outcome
        except web.HTTPException:
            seen.outcome = Outcome.REFUSED
            raise
        except asyncio.CancelledError:
            seen.outcome = self._unheard()
            raise
        except ConnectionError:
            seen.outcome = self._unheard()
            return web.Response()  # nobody is there to hear it: no news for the log
        finally:
            self._handlers.discard(task)
            seen.over.set()
        return response

    def _unheard(self) -> Outcome:
        return Outcome.CLOSED if self._closing else Outcome.ABANDONED

    def _judge(
        self, request: web.Request, seen: Seen, steps: Callable[[Seen], Iterable[Step]]
    ) -> Iterable[Step]:
        """Verify and understand the request, and think of the answer."""
        seen.caller = self._verifier.verify(seen.path, request.headers, seen.raw)
        self._decode(seen)
        return steps(seen)

    def _decode(self, seen: Seen) -> None:
        text = seen.raw
        match seen.query.get("Encode"):
            case None:
                pass
            case "1":
                seen.encoded = True
                try:
                    text = cipher.decode1(text.decode("ascii"))
                except ValueError as error:
                    raise bad_request(
                        f"the body is not encoded as Encode=1 says: {error}"
                    ) from None
            case _:
                raise bad_request("Encode can only be 1")
        if seen.method == "GET":
            return
        try:
            body = loads(text)
        except ValueError as error:
            raise bad_request(f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise bad_request("the body is not a JSON object")
        seen.body = body

    def _chat_body(self, request: web.Request, seen: Seen) -> chat_body.ChatBody:
        body = chat_body.read(seen.body)
        if request.query.get("FetchKeys") != "llm_model_result":
            raise bad_request("FetchKeys in the query is not llm_model_result")
        if request.query.get("AgentId") != body.agent_id:
            raise bad_request("AgentId in the query is not the agent_id of the body")
        self._uploads.check(body)
        return body

    def _chosen(self, request: web.Request, route: Route) -> Faults:
        waiting = self._next.get(route)
        own = waiting.popleft() if waiting else self._always
        return own | faults.parse(request.headers.get("x-simulate", ""))

    def _model_refused(self, status: int, message: str) -> Iterable[Step]:
        refusal = Refusal(status, "ModelNotFound" if status == 404 else "ModelDisabled", message)
        return stream([Line(b"data:" + refusal.envelope)], faults.NONE)


def new_call_id() -> str:
    return f"call_{uuid4().hex[:24]}"
