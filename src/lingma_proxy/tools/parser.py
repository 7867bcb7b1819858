"""Finds the calls in what a model writes, while it writes.

    text ─▶ feed ─▶ Prose · CallBegan · CallArguments · CallEnded · CallBroken

Models write calls in the form they were trained on, whatever was asked; so all forms that
`formats` knows are understood at any time.  What is no call comes out as it is, in its place:
also everything inside a code block, and calls of tools that nobody declared.  Text is held back
only while it can still become a mark, and what a call begins with until its name is known.

However the text is cut into pieces, the same comes out.  The work is in proportion to the text.
"""

from dataclasses import dataclass

from lingma_proxy.tools.formats.json_call import JsonCall
from lingma_proxy.tools.formats.marked_call import fence, read_marked
from lingma_proxy.tools.formats.marks import (
    ACTION_FENCE,
    CALL,
    FENCE,
    FENCE_END,
    FUNCTION,
    INVOKE,
    OPENERS,
    UNOPENED,
    WRAPS,
    Wrapping,
    wrapping_of,
)
from lingma_proxy.tools.formats.tagged_call import read_bare_name, read_tagged
from lingma_proxy.tools.prose import ProseReader
from lingma_proxy.tools.reader import Read, Reader
from lingma_proxy.tools.said import Said, Toolbox
from lingma_proxy.tools.source import Reading
from lingma_proxy.tools.teller import Teller

BETWEEN = ",;[]}"
"""What stands around objects that are calls: they are a list, or there is a bracket too many."""
BLANKS = " \t\r\n"


class ToolParser:
    def __init__(self, toolbox: Toolbox, *, streams: bool = True) -> None:
        """`streams`: whether a call is said while it comes; else when it is complete."""
        self._teller = Teller(streams=streams)
        self._reader = Reader(toolbox, self._teller)
        self._source = self._reader.source
        self._prose = ProseReader(self._source, self._teller)
        self._reading = self._read()
        next(self._reading)

    def feed(self, text: str) -> list[Said]:
        """What can be said for certain by now."""
        self._source.add(text)
        next(self._reading)
        return self._teller.take()

    def end(self, *, cut: bool) -> list[Said]:
        """The text is over.  `cut`: by its length, so that what is open is not complete."""
        self._source.over, self._source.cut = True, cut
        next(self._reading, None)
        return self._teller.take()

    def _read(self) -> Reading[None]:
        yield  # for the first text
        yield from self._prose.thinking()
        yield from self._whole_answer()
        while (yield from self._prose.up_to_mark()):
            yield from self._calls()

    def _calls(self) -> Reading[None]:
        """Read from a mark on, as long as there are calls."""
        source, around, some = self._source, list[_Around](), False
        source.hold()
        while True:
            yield from source.blanks()
            inside = around[-1].wrapping if around else None
            if opening := (yield from source.shape(*WRAPS)):
                if around and around[-1].opening == opening[0]:
                    around.pop()  # its end was forgotten
                source.take(opening.end())
                around.append(_Around(opening[0], wrapping_of(opening)))
                continue
            if inside and around[-1].calls and (end := (yield from source.shape(*inside.closes))):
                source.take(end.end())
                source.hold()
                around.pop()
                continue
            if inside and inside.objects and (yield from self._between()):
                continue
            if not around and (yield from source.shape(FUNCTION)):
                around.append(_Around("", UNOPENED))
            read = yield from self._call(inside)
            if read is Read.CALL:
                some = True
                for each in around:
                    each.calls = True
            elif read is Read.NO_CALL and inside is not ACTION_FENCE:
                self._prose.say(source.let_go())
            else:
                break
            source.hold()
        held, over = source.let_go(), not (yield from source.peek())
        if not some or not over or held.strip(BLANKS + BETWEEN if inside else BLANKS):
            self._prose.say(held)
        if inside is ACTION_FENCE:
            yield from self._prose.rest_of_code("`", _ticks(around[-1].opening))

    def _between(self) -> Reading[bool]:
        """Take what stands between objects, if something does."""
        if (yield from self._source.peek()) in {*BETWEEN}:
            self._source.take_one()
            return True
        return (yield from fence(self._reader))

    def _whole_answer(self) -> Reading[None]:
        """Read an answer that is nothing but objects which are calls; else say what was read."""
        source, ticks, some = self._source, 0, False
        self._prose.say((yield from source.blanks()))
        if (yield from source.peek()) not in {"{", "["} and not (yield from source.shape(*FENCE)):
            return
        source.hold()
        self._teller.begin_to_wait()
        while char := (yield from source.peek()):
            if char in BLANKS + BETWEEN:
                source.take_one()
            elif not ticks and (opening := (yield from source.shape(*FENCE))):
                ticks = _ticks(source.take(opening.end()))
            elif ticks and (end := (yield from source.shape(*FENCE_END))):
                source.take(end.end())
                ticks = 0
            elif char == "{":
                ends = (*OPENERS, *FENCE_END) if ticks else OPENERS
                call = yield from JsonCall(self._reader, ends, plain=True).read()
                if call is not Read.CALL:
                    break
                some = True
            else:
                break
        some = some and not (yield from source.peek())
        self._teller.end_to_wait(certain=some)
        held = source.let_go()
        if not some:
            self._prose.say(held)
            if ticks:
                yield from self._prose.rest_of_code("`", ticks)

    def _call(self, inside: Wrapping | None) -> Reading[Read]:
        """Whatever call is next in the source."""
        source, reader = self._source, self._reader
        if inside and inside.objects and (yield from source.peek()) == "{":
            return (yield from JsonCall(reader, inside.ends).read())
        if opening := (yield from source.shape(CALL)):
            return (yield from read_marked(reader, opening))
        if opening := (yield from source.shape(FUNCTION, INVOKE)):
            return (yield from read_tagged(reader, opening))
        if inside and inside.names:
            return (yield from read_bare_name(reader))
        return Read.TEXT


@dataclass(slots=True)
class _Around:
    """What stands around the calls that come."""

    opening: str
    wrapping: Wrapping
    calls: bool = False
    """Whether there are some, so that its end is no prose."""


def _ticks(fence: str) -> int:
    return len(fence) - len(fence.lstrip("`"))
