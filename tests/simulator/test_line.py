import json

import pytest

from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.plugin_faults import NONE, TABLE
from lingma_proxy.simulator.rpc import Dropped
from lingma_proxy.wire import lsp

MESSAGES = ({"a": "你好🙂"}, {"b": 1})
BODIES = [
    json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() for message in MESSAGES
]


class Wire:
    def __init__(self, text):
        self.text = text
        self.written = []
        self.dropped = False

    async def write(self, data, *, binary):
        self.written.append((data, binary))

    def drop(self):
        self.dropped = True


def decoded(wire):
    decoder = lsp.LspDecoder()
    return [body for data, _ in wire.written for body in decoder.feed(data)]


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("faults", ["", "split", "dribble", "binary", "split, binary"])
async def test_messages_arrive_however_they_travel(text, faults):
    wire = Wire(text)
    chosen = TABLE.parse(faults)
    await Line(wire, lsp.encode, "binary").send(*MESSAGES, faults=chosen)

    assert decoded(wire) == BODIES
    assert (len(wire.written) > 1) == ("split" in chosen or "dribble" in chosen)
    assert {binary for _, binary in wire.written} == {"binary" in chosen}
    if text and "binary" not in chosen:
        for data, _ in wire.written:
            data.decode()


async def test_bytes_are_cut_inside_characters_where_they_may_be():
    wire = Wire(text=False)
    await Line(wire, lsp.encode, "binary").send(*MESSAGES, faults=TABLE.parse("split"))

    assert any(
        data.decode(errors="replace") != data.decode(errors="ignore") for data, _ in wire.written
    )


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("count", range(0, 50, 7))
async def test_a_line_can_be_cut_anywhere(text, count):
    wire = Wire(text)
    line = Line(wire, lsp.encode)
    line.cut_after(count)
    with pytest.raises(Dropped):
        await line.send(*MESSAGES, faults=NONE)
    written = b"".join(data for data, _ in wire.written)

    assert wire.dropped
    assert count - 4 < len(written) <= count
    assert b"".join(map(lsp.encode, BODIES)).startswith(written)


async def test_a_cut_can_be_called_off():
    wire = Wire(text=True)
    line = Line(wire, lsp.encode)
    line.cut_after(3)
    line.cut_after(None)
    await line.send(*MESSAGES, faults=NONE)

    assert decoded(wire) == BODIES
