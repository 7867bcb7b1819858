import pytest

from lingma_proxy.simulator import plugin_faults
from lingma_proxy.simulator.plugin_turn import garbled
from lingma_proxy.simulator.seen import Outcome
from lingma_proxy.simulator.turn_steps import Garble
from support.plugin_client import Gone


async def test_what_becomes_of_a_prompt_is_noted(plugin, client):
    session = await client.new()
    await client.turn(session, "one")
    await client.turn(session, "two\nSIMULATE: error-prompt")
    await client.turn(session, "three\nSIMULATE: no-such-thing")
    await client.prompt(session, "four\nSIMULATE: drop-after=1")
    with pytest.raises(Gone):
        await client.until("chat_finish")
    await plugin.gone()

    assert [(prompt.text[:3], prompt.outcome) for prompt in plugin.prompts] == [
        ("one", Outcome.FINISHED),
        ("two", Outcome.FINISHED),
        ("thr", Outcome.REFUSED),
        ("fou", Outcome.FINISHED),
    ]
    assert all(prompt.over.is_set() for prompt in plugin.prompts)


async def test_a_fault_in_the_text_is_not_asked_for_again_behind_its_results(client):
    text = (
        '<message role="user">SIMULATE: error-prompt</message>\n'
        '<message role="tool" call="1">seen</message>'
    )

    assert (await client.turn(await client.new(), text)).text == "DONE: seen"


def test_garbage_is_no_message():
    steps = list(garbled(plugin_faults.TABLE.parse("garbage, big-header")))

    assert [isinstance(step, Garble) for step in steps] == [True, True]
    assert list(garbled(plugin_faults.NONE)) == []
