"""Says what was read: prose at once, a call at once or when it is complete."""

from itertools import groupby

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.tools.complete import complete
from lingma_proxy.tools.said import (
    CallArguments,
    CallBegan,
    CallBroken,
    CallEnded,
    Prose,
    Said,
)


class Teller:
    def __init__(self, *, streams: bool) -> None:
        self.streams = streams
        """Whether a call is shown while it is still being read."""
        self._said: list[Said] = []
        self._waiting: list[Said] | None = None
        """Calls, while it is not certain that they are some."""

    def prose(self, text: str) -> None:
        if text:
            self.say(Prose(text))

    def say(self, *more: Said) -> None:
        (self._said if self._waiting is None else self._waiting).extend(more)

    def take(self) -> list[Said]:
        """What was said since, in as few pieces as it takes."""
        said, self._said = self._said, []
        return said if len(said) < 2 else _joined(said)

    def begin_to_wait(self) -> None:
        self._waiting = []

    def end_to_wait(self, *, certain: bool) -> None:
        waiting, self._waiting = self._waiting, None
        if certain:
            self._said += waiting or ()

    def call(self, name: str) -> "Call":
        return Call(self, name, shown=self.streams and self._waiting is None)


def _joined(said: list[Said]) -> list[Said]:
    joined: list[Said] = []
    for kind, ones in groupby(said, type):
        if kind is Prose:
            joined.append(Prose("".join(one.text for one in ones if isinstance(one, Prose))))
        elif kind is CallArguments:
            texts = [one.text for one in ones if isinstance(one, CallArguments)]
            joined.append(CallArguments("".join(texts)))
        else:
            joined += ones
    return joined


class Call:
    """One call on its way to the client."""

    def __init__(self, teller: Teller, name: str, *, shown: bool) -> None:
        self.name = name
        self.shown = shown
        self._teller = teller
        self._arguments: list[str] = []
        if shown:
            teller.say(CallBegan(name))

    def say(self, text: str) -> None:
        """The next fragment of its arguments."""
        self._arguments.append(text)
        if self.shown:
            self._teller.say(CallArguments(text))

    def say_rest_of(self, value: JsonObject) -> bool:
        """The rest of its arguments, of which this is the value.  False: it cannot be."""
        rest = complete("".join(self._arguments), value)
        if rest:
            self.say(rest)
        return rest is not None

    def end(self) -> None:
        if not self.shown:
            self._teller.say(CallBegan(self.name), CallArguments("".join(self._arguments)))
        self._teller.say(CallEnded())

    def give_up(self, why: str) -> bool:
        """False: nothing was said of it, so its text is prose."""
        if self.shown:
            self._teller.say(CallBroken(why))
        return self.shown
