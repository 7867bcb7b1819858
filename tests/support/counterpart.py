"""A counterpart in memory, whose spelling is as simple as can be, and its other side."""

import asyncio
from contextlib import suppress

from lingma_proxy.backend import Model
from lingma_proxy.backends.counterpart import Prompt
from lingma_proxy.backends.peer import Peer, Unfit
from lingma_proxy.backends.sessions import Session
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.errors import ProxyError
from lingma_proxy.transports.base import FramedTransport, Lines
from lingma_proxy.vendor.updates import Finished
from support.streams_of_bytes import Messages, Pipe


class Other:
    """The other side of one connection: answers as `does` says, or waits for the test."""

    def __init__(self, pipe, does):
        self.messages = Messages(pipe)
        self.does = does
        self.heard = []
        self.news = asyncio.Condition()
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        with suppress(BrokenPipeError, EOFError):
            while True:
                message = await self.messages.hear()
                async with self.news:
                    self.heard.append(message)
                    self.news.notify_all()
                if "id" in message and "method" in message:
                    self.does(self, message)

    async def hears(self, method, count=1):
        """The message of that method, once so many have come."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.all(method)) >= count)
        return self.all(method)[count - 1]

    def all(self, method):
        return [message for message in self.heard if message.get("method") == method]

    def answer(self, message, result=None):
        self.messages.say({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def refuse(self, message, text="Not so."):
        error = {"code": -1, "message": text}
        self.messages.say({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def tell(self, session, text, kind="agent_message_chunk"):
        update = {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
        params = {"sessionId": session, "update": update}
        self.messages.say({"jsonrpc": "2.0", "method": "session/update", "params": params})

    async def leave(self):
        await self.messages.pipe.close()


def willing(other, message):
    """Answers every prompt with `pong`."""
    match message["method"]:
        case "session/new":
            other.answer(message, f"s{len(other.all('session/new'))}")
        case "session/prompt":
            other.tell(message["params"]["sessionId"], "pong")
            other.answer(message)
        case _:
            other.answer(message)


def silent(other, message):
    """Opens sessions and leaves prompts to the test."""
    if message["method"] != "session/prompt":
        willing(other, message)


class Fake:
    """A `Counterpart`.  Each connection leads to another side, which does as the next of `does`
    says, the last one for ever; where that is an error, there is nobody.
    """

    name = "Somebody"
    worn = False

    def __init__(self, *does):
        self.does = does
        self.others = []
        self.tidied = []
        self.closed = 0

    async def meet(self, hear):
        ours, theirs = Pipe.pair()
        does = self.does[min(len(self.others), len(self.does) - 1)]
        if isinstance(does, ProxyError):
            self.others.append(None)
            raise does
        self.others.append(Other(theirs, does))
        return await Peer.over(FramedTransport(ours, Lines()), self.name, hear)

    def again(self):
        return "Look after it."

    async def meets(self):
        """The other side of the first connection, once there is one."""
        while not self.others:
            await asyncio.sleep(0)
        return self.others[0]

    async def models(self, peer):
        return [Model(await peer.request("models", {}), "")]

    async def open(self, peer):
        id = await peer.request("session/new", {})
        if id == "unfit":
            raise Unfit("There are no sessions.")
        return Session(id, "")

    async def choose(self, peer, session, key):
        await peer.request("session/set_model", {"sessionId": session.id, "key": key})
        session.model = key

    async def prompt(self, session, id, text, images):
        params = {"sessionId": session.id, "text": text, "images": len(images)}
        return Prompt(params, lambda: self.tidied.append(session.id))

    def new_id(self):
        return "p"

    def answered(self, result):
        return Finished(FinishReason(result or "stop"))

    async def end(self, peer, session):
        await peer.request("session/end", {"sessionId": session.id})

    async def aclose(self):
        self.closed += 1

    async def gone(self):
        """End what the other sides do."""
        tasks = [other.task for other in self.others if other is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
