"""The parts of a prompt, looked at closely: what they say, and the pictures among them.

The plugin wants all four keys of a picture.  Qoder CN reads `data` and nothing else;
Lingma reads the file that `uri` leads to, `lingma:///agent/file?path=…`.  The standard's
agents want `mimeType` and `data`, and take links to resources for words.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct, field

from lingma_proxy.jsonio import Json
from lingma_proxy.simulator.pictures import Picture, measure
from lingma_proxy.simulator.rpc import INVALID_PARAMS, RpcError
from lingma_proxy.wire import data_url


class TextPart(Struct, tag_field="type", tag="text"):
    text: str


class PluginPicture(Struct, tag_field="type", tag="image"):
    media_type: str = field(name="mimeType")
    data: str
    uri: str


class AgentPicture(Struct, tag_field="type", tag="image"):
    media_type: str = field(name="mimeType")
    data: str
    uri: str | None = None


class ResourceLink(Struct, tag_field="type", tag="resource_link"):
    uri: str
    name: str


PluginPart: TypeAlias = TextPart | PluginPicture
AgentPart: TypeAlias = TextPart | AgentPicture | ResourceLink


def convert(value: Json, kind: type) -> Json:
    """The value as that struct.  Raises RpcError (-32602) that says what is wrong."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None


def text_of(parts: Sequence[PluginPart | AgentPart]) -> str:
    """All that is said, one part a line.  Raises RpcError (-32602) when there is nothing."""
    if not parts:
        raise RpcError(INVALID_PARAMS, "prompt is empty")
    texts = []
    for part in parts:
        match part:
            case TextPart(text=text):
                texts.append(text)
            case ResourceLink(uri=uri, name=name):
                texts.append(f"[{name}]({uri})")
            case _:
                pass
    return "\n".join(texts)


def pictures_for(
    parts: Sequence[PluginPart | AgentPart], *, from_files: bool
) -> tuple[Picture | None, ...]:
    """The pictures, measured: from their files, or from what came with them."""
    return tuple(
        measure(_file(part.uri or "") if from_files else _inline(part.data, part.media_type))
        for part in parts
        if isinstance(part, PluginPicture | AgentPicture)
    )


def _inline(data: str, kind: str) -> bytes:
    if not kind.startswith("image/"):
        raise RpcError(INVALID_PARAMS, f"{kind[:40]!r} is no type of a picture")
    try:
        return data_url.base64(data)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, f"data of a picture: {error}") from None


def _file(uri: str) -> bytes:
    parts = urlsplit(uri)
    path = parse_qs(parts.query).get("path", [""])[0]
    if (parts.scheme, parts.path) != ("lingma", "/agent/file") or not path:
        raise RpcError(INVALID_PARAMS, "uri of a picture is no lingma:///agent/file?path=…")
    try:
        return Path(path).read_bytes()
    except OSError:
        raise RpcError(INVALID_PARAMS, "uri of a picture leads to no file") from None
