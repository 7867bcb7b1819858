import pytest

from lingma_proxy.simulator.agent_faults import TABLE
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.rpc import Dropped, RpcError
from lingma_proxy.simulator.step_breaks import survive


class Ends:
    """A wire that counts how often it was dropped."""

    text = False
    drops = 0

    async def write(self, data, *, binary):
        raise AssertionError("nothing is said by a step that breaks")

    def drop(self):
        self.drops += 1


@pytest.mark.parametrize("faults", ["", "hang-new=0.001", "hang-close, drop-close, error-close"])
async def test_a_step_is_taken_when_it_only_hangs_or_others_break(faults):
    await survive("new", TABLE.parse(faults), Line(Ends(), bytes))


async def test_a_step_may_end_the_connection():
    wire = Ends()
    with pytest.raises(Dropped):
        await survive("new", TABLE.parse("drop-new"), Line(wire, bytes))

    assert wire.drops == 1


@pytest.mark.parametrize(("fault", "code"), [("error-new", -32603), ("error-new=7", -7)])
async def test_a_step_may_have_an_error_for_its_answer(fault, code):
    with pytest.raises(RpcError) as caught:
        await survive("new", TABLE.parse(fault), Line(Ends(), bytes))

    assert caught.value.code == code
