from base64 import b64encode
from urllib.parse import quote_plus

import pytest

from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.prompt_parts import (
    AgentPart,
    PluginPart,
    convert,
    pictures_for,
    text_of,
)
from lingma_proxy.simulator.rpc import RpcError
from support.vendor_client import PIXEL

DATA = b64encode(PIXEL).decode()
LINK = {"type": "resource_link", "uri": "file:///a", "name": "a"}


def picture(**more):
    return {"type": "image", "mimeType": "image/png", "data": DATA, "uri": "", **more}


def test_texts_are_one_a_line():
    parts = convert(
        [{"type": "text", "text": "a"}, LINK, picture(), {"type": "text", "text": "b"}],
        list[AgentPart],
    )

    assert text_of(parts) == "a\n[a](file:///a)\nb"


@pytest.mark.parametrize("key", ["mimeType", "data", "uri"])
def test_the_plugin_wants_every_key_of_a_picture(key):
    part = picture()
    del part[key]

    with pytest.raises(RpcError, match=key):
        convert([part], list[PluginPart])


def test_an_agent_wants_no_uri():
    [part] = convert([{"type": "image", "mimeType": "image/png", "data": DATA}], list[AgentPart])

    assert pictures_for([part], from_files=False) == (Picture("PNG", 1, 1),)


def test_the_plugin_knows_no_links():
    with pytest.raises(RpcError):
        convert([LINK], list[PluginPart])


def test_a_picture_may_be_in_a_file(tmp_path):
    (tmp_path / "ü.png").write_bytes(PIXEL)
    uri = f"lingma:///agent/file?path={quote_plus(str(tmp_path / 'ü.png'))}"
    parts = convert([picture(data="", uri=uri)], list[PluginPart])

    assert pictures_for(parts, from_files=True) == (Picture("PNG", 1, 1),)


@pytest.mark.parametrize(
    "more", [{"uri": ""}, {"uri": "file:///a"}, {"uri": "lingma:///agent/file?path=%2Fno%2Fsuch"}]
)
def test_a_uri_must_lead_somewhere(more):
    parts = convert([picture(**more)], list[PluginPart])

    with pytest.raises(RpcError):
        pictures_for(parts, from_files=True)


@pytest.mark.parametrize("more", [{"data": "!"}, {"mimeType": "text/plain"}])
def test_inline_data_must_be_a_picture_s(more):
    with pytest.raises(RpcError):
        pictures_for(convert([picture(**more)], list[PluginPart]), from_files=False)


def test_bytes_that_are_no_picture_are_none():
    parts = convert([picture(data="AAAA")], list[PluginPart])

    assert pictures_for(parts, from_files=False) == (None,)


def test_nothing_is_no_prompt():
    with pytest.raises(RpcError):
        text_of([])
