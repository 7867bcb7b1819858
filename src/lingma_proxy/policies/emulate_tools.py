"""Give tools to models that have none: they are told of them in words, and write calls as text.

    request ─▶ contract and history as text (`tools.prompt`) ─▶ inner
    reply   ◀─ calls as parts ◀─ what the text says (`tools.parser`) ◀─ inner

Who needs that, `needs` says; for all others, and where there is nothing about tools in a
request, the inner stream itself is returned.  What is demanded is also enforced:

    auto               calls stream as they are written; none is invented, none is dropped
    none               no call is let out: what looks like one stays text
    required, a name   text and calls wait until all of the answer is known to fit.  If it does
                       not, the model is asked once more, with what was wrong; a second failure
                       is an error.  Meanwhile what it thinks goes through.

An answer that its length has cut goes out as it is; one that goes on to make up the results of
its calls ends there, and the vendor is told to stop.  Where `ask_again` is set, a short answer
that announces a call by name and ends in a colon is asked for the call, once.
"""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from lingma_proxy.aside import LONG, aside
from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.events import FinishReason, ReplyEnded, added
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    NamedTool,
    Text,
)
from lingma_proxy.conversation.size import is_long
from lingma_proxy.errors import ProtocolError, ProxyError, UnfitAnswer
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.calls_in_text import Listener, Parts, new_call_id
from lingma_proxy.profile import ToolFormat
from lingma_proxy.tools.announcement import announces
from lingma_proxy.tools.prompt import has_calls, in_text
from lingma_proxy.tools.toolbox import Toolbox
from lingma_proxy.tools.words import Words, words_for

NOT_STRICT = (
    "`strict` is not promised: this model writes its calls as text, and only a call that is"
    " demanded (`tool_choice`) is checked against its schema."
)


class EmulateTools(Policy):
    """`needs` gives the form in which a request's model writes calls; None: it takes tools.

    `counting` is asked instead of `inner` for what is sent as text: it counts that, and tells
    so when the reply starts.  `new_id` makes ids of calls that nobody can guess.
    """

    def __init__(
        self,
        inner: Backend,
        needs: Callable[[ChatRequest], ToolFormat | None],
        *,
        counting: Backend | None = None,
        ask_again: bool = False,
        new_id: Callable[[], str] = new_call_id,
    ) -> None:
        super().__init__(inner)
        self._needs = needs
        self._counting = counting or inner
        self._ask_again = ask_again
        self._new_id = new_id

    def reply(self, request: ChatRequest) -> EventStream:
        if not request.tools and not has_calls(request.messages):
            return self.inner.reply(request)
        format = self._needs(request)
        if format is None:
            return self.inner.reply(request)
        if not request.tools or request.tool_choice == "none":
            return self._as_text(request, format)
        if request.tool_choice == "auto":
            return self._freely(request, format)
        return self._demanded(request, format)

    async def _as_text(self, request: ChatRequest, format: ToolFormat) -> EventStream:
        asked = await told(request, format)
        async with aclosing(self._counting.reply(asked)) as events:
            async for batch in events:
                yield batch

    async def _freely(self, request: ChatRequest, format: ToolFormat) -> EventStream:
        toolbox = Toolbox(request.tools)
        asked = await told(request, format)
        parts = Parts(self._new_id)
        warnings = (NOT_STRICT,) if any(tool.strict for tool in request.tools) else ()
        listener = Listener(toolbox, parts, warnings=warnings)
        async with aclosing(self._counting.reply(asked)) as events:
            async for batch in events:
                if out := listener.hear(batch):
                    yield out
                if listener.broken:
                    raise ProtocolError(
                        f"The model began a call of a tool that it did not complete:"
                        f" {listener.broken} Ask again."
                    )
                if listener.over:
                    break
        ended = listener.end()
        if (
            self._ask_again
            and ended.reason is FinishReason.STOP
            and not parts.calls
            and announces(listener.said, toolbox.names)
        ):
            words = words_for(request.messages)
            again = after(asked, listener.said, words.announced)
            promised = Listener(toolbox, parts, holds=True, started=True, thinks=False)
            try:
                async with aclosing(self._counting.reply(again)) as events:
                    async for batch in events:
                        promised.hear(batch)
                        if promised.over or promised.broken:
                            break
                more = promised.end()
            except ProxyError:
                pass  # the answer that was given stands by itself
            else:
                ended = replace(ended, usage=added(ended.usage, more.usage))
                if promised.calls and more.reason is FinishReason.STOP and not promised.broken:
                    yield promised.say()
        yield [finished(ended, parts)]

    async def _demanded(self, request: ChatRequest, format: ToolFormat) -> EventStream:
        toolbox = Toolbox(request.tools)
        words = words_for(request.messages)
        asked = await told(request, format)
        parts = Parts(self._new_id)
        usage, wrong, started = None, "", False
        for _ in ("the answer", "its repair"):
            listener = Listener(toolbox, parts, holds=True, started=started)
            async with aclosing(self._counting.reply(asked)) as events:
                async for batch in events:
                    if out := listener.hear(batch):
                        yield out
                    if listener.over or listener.broken:
                        break
            started = True
            ended = listener.end()
            usage = added(usage, ended.usage) if ended.usage is not None else None
            ended = replace(ended, usage=usage)
            if ended.reason is not FinishReason.STOP or ended.stop_sequence:
                yield [*listener.say(), finished(ended, parts)]
                return
            # In a thread, because the first time it loads the validator, which takes a while.
            wrong = await aside(partial(misfit, request, toolbox, listener, words))
            if not wrong:
                yield [*listener.say(), finished(ended, parts)]
                return
            asked = after(asked, listener.said, f"{wrong} {words.again}")
        raise UnfitAnswer(
            "The model answered twice, but without the call that the request demands, or with one"
            f" that does not fit: {wrong} Ask again, or leave the choice to the model"
            " (`tool_choice: auto`)."
        )


async def told(request: ChatRequest, format: ToolFormat) -> ChatRequest:
    """The request as it is sent: without tools, but with all that is to be known of them."""

    def write() -> ChatRequest:
        return replace(in_text(request, format), usage_first=True)

    return await aside(write) if is_long(request, LONG) else write()


def after(asked: ChatRequest, said: str, complaint: str) -> ChatRequest:
    """The request again, after an answer that will not do."""
    failed = (Message("assistant", (Text(said),)),) if said.strip() else ()
    told = Message("user", (Text(complaint),))
    return replace(asked, messages=(*asked.messages, *failed, told))


def finished(ended: ReplyEnded, parts: Parts) -> ReplyEnded:
    """The end, with the reason that is true where calls were made."""
    if parts.calls and ended.reason is FinishReason.STOP:
        return replace(ended, reason=FinishReason.TOOL_CALLS, stop_sequence=None)
    return ended


def misfit(request: ChatRequest, toolbox: Toolbox, heard: Listener, words: Words) -> str:
    """What is wrong with an answer that has to call, as a sentence; "" if nothing is."""
    if not heard.calls:
        return words.missing
    for call in heard.calls:
        if isinstance(request.tool_choice, NamedTool) and call.name != request.tool_choice.name:
            return words.other.format(name=call.name)
        if wrong := heard.broken or toolbox.wrong(call.name, call.arguments):
            return words.unfit.format(name=call.name, wrong=wrong)
    return ""
