import pytest

from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.wire.lsp import encode as framed
from support.plugin_client import Gone, over_socket, over_websocket


@pytest.fixture
async def stranger(plugin):
    """A client that has not said hello."""
    async with over_websocket(plugin.url) as client:
        yield client


async def test_nothing_is_answered_before_initialize(plugin, stranger):
    assert (await stranger.call("config/queryModels"))["error"]["code"] == -32002
    await stranger.tell("session/cancel", {})
    await stranger.hello()
    assert list(plugin.complaints) == ["session/cancel before initialize"]


async def test_initialize_comes_once(client):
    assert (await client.hello())["error"]["code"] == -32600


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"protocolVersion": 2},
        {"protocolVersion": "1"},
        {"processId": None},
        {"processId": "1", "capabilities": {}},
        {"protocolVersion": 1, "clientCapabilities": []},
    ],
)
async def test_initialize_is_looked_at(stranger, params):
    assert (await stranger.call("initialize", params))["error"]["code"] == -32602


@pytest.mark.parametrize(("params", "kind"), [([], "array"), ("x", "string"), (7, "number")])
async def test_params_must_be_an_object(client, params, kind):
    error = (await client.call("config/queryModels", params))["error"]

    assert error["message"].startswith(f"json: cannot unmarshal {kind} into Go value of type")


async def test_params_must_be_there(client):
    await client.send({"jsonrpc": "2.0", "id": 9, "method": "config/queryModels"})

    assert "cannot unmarshal null" in (await client.next())["error"]["message"]


async def test_an_unknown_method_is_said_to_be_one(client):
    assert (await client.call("session/sing"))["error"]["code"] == -32601


async def test_ids_must_be_integers(plugin, client):
    await client.send({"jsonrpc": "2.0", "id": "1", "method": "ping", "params": {}})

    assert (await client.next())["error"]["code"] == -32600
    assert len(plugin.complaints) == 1


@pytest.mark.parametrize("over", [over_websocket, over_socket])
async def test_a_bare_message_is_complained_of_and_not_heard(over):
    async with Plugin(("websocket", "unix")) as plugin:
        async with over(plugin.url if over is over_websocket else plugin.socket) as client:
            await client._write(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}')
            with pytest.raises(Gone):
                await client.next()
        await plugin.gone()

        assert "Unknown message header" in plugin.complaints[0]


async def test_half_a_message_is_complained_of(plugin):
    async with over_websocket(plugin.url) as client:
        await client._write(b"Content-Length: 10\r\n\r\n{")
    await plugin.gone()

    assert len(plugin.complaints) == 1


async def test_frames_may_come_in_pieces_and_together(client):
    await client._write(b"Content-Len")
    first, second = (b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":{}}' % id for id in (7, 8))
    await client._write(b"gth: %d\r\n\r\n%b" % (len(first), first) + framed(second))

    assert [(await client.next())["id"] for _ in range(2)] == [7, 8]


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ("error-models", "config/queryModels"),
        ("error-model=32000", "session/set_model"),
        ("error-delete", "chat/deleteSessionById"),
        ("error-new", "session/new"),
    ],
)
async def test_a_step_can_fail(plugin, client, fault, method):
    plugin.next(fault)
    error = (await client.call(method))["error"]

    assert error["code"] == (-32000 if "=" in fault else -32603)


async def test_a_step_can_be_waited_for_for_ever(plugin, client):
    plugin.next("hang-models")
    await client.ask("config/queryModels")
    await client.call("ping")

    assert [message["id"] for message in client.heard[1:]] == [3]


async def test_a_step_can_end_the_connection(plugin, client):
    plugin.next("drop-new")
    with pytest.raises(Gone):
        await client.new()
