from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.policies.settle import Settle
from support.backends import answer, ask, hear


class Somebody:
    """Who answers is found out by the first who wants to know."""

    def __init__(self) -> None:
        self.known = False
        self.asked = 0

    def settled(self) -> bool:
        return self.known

    async def settle(self) -> None:
        self.asked += 1
        self.known = True


async def test_a_request_waits_until_it_is_known_who_answers() -> None:
    somebody = Somebody()
    inner = Scripted([answer("hello")] * 3)
    policy = Settle(inner, somebody.settled, somebody.settle)

    stream = policy.reply(ask("hi"))
    assert somebody.asked == 0
    await stream.aclose()

    assert [await hear(policy, ask("hi")) for _ in range(3)] == [answer("hello")] * 3
    assert somebody.asked == 1
    assert inner.requests == [ask("hi")] * 3


async def test_once_it_is_known_the_stream_is_the_inner_one() -> None:
    somebody = Somebody()
    somebody.known = True
    stream = Scripted([answer("hello")]).reply(ask("hi"))

    class Inner(Scripted):
        def reply(self, request):
            return stream

    assert Settle(Inner([]), somebody.settled, somebody.settle).reply(ask("hi")) is stream
    await stream.aclose()
