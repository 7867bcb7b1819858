from lingma_proxy.backend import Model, refused
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import ModelNotFound
from lingma_proxy.policies.base import Policy
from support.backends import answer, ask, hear, heard


async def test_a_policy_passes_on_what_it_does_not_change() -> None:
    inner = Scripted([answer("hello")], [Model("kmodel", "Kimi")])
    policy = Policy(inner)

    assert await hear(policy, ask("hi")) == answer("hello")
    assert inner.requests == [ask("hi")]
    assert await policy.models() == [Model("kmodel", "Kimi")]

    await policy.aclose()

    assert inner.closed


async def test_a_refusal_comes_when_the_first_batch_is_asked_for() -> None:
    class Refusing(Policy):
        def reply(self, request):
            return refused(ModelNotFound("no such model"))

    events, error = await heard(Refusing(Scripted([])))

    assert events == []
    assert isinstance(error, ModelNotFound)
