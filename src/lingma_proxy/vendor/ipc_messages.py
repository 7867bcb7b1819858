"""What is said to the plugin, method by method, and its answers read.

    initialize               once per connection
    config/queryModels {}    → `models`
    session/new              → `session_id_of`
    session/set_model
    session/prompt           its answer is `vendor.updates`' business
    session/cancel           a notification, the same for any agent (`acp_messages`)
    chat/deleteSessionById   some builds take one form, some the other

It is the Agent Client Protocol, version 1, with `_meta` keys of the vendor's.  Params are
always an object.  Times are Unix milliseconds; a model is named by its key.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote_plus

from lingma_proxy.backend import Model
from lingma_proxy.conversation.request import Image
from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import Json, JsonObject, is_object, objects
from lingma_proxy.vendor.models import described
from lingma_proxy.vendor.places import System
from lingma_proxy.vendor.updates import REQUEST_ID

SCENES = ("assistant", "chat", "developer", "inline", "quest")
"""Groups of models, those that are meant for us first; others may follow."""
EXTENSIONS = {
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
}
FILE_URI = "lingma:///agent/file?path="


def initialize(now_ms: int) -> JsonObject:
    return {"protocolVersion": 1, "clientCapabilities": {}, "timestamp": now_ms}


def new_session(folder: str, now_ms: int) -> JsonObject:
    return {"cwd": folder, "mcpServers": [], "_meta": {}, "timestamp": now_ms}


def set_model(session: str, key: str, now_ms: int, meta: JsonObject) -> JsonObject:
    return {"sessionId": session, "modelId": key, "timestamp": now_ms, "_meta": meta}


def prompt(session: str, text: str, pictures: Sequence[JsonObject], meta: JsonObject) -> JsonObject:
    """`pictures` as `picture` makes them."""
    words = [{"type": "text", "text": text}] if text or not pictures else []
    return {"sessionId": session, "prompt": [*words, *pictures], "_meta": meta}


def deletions(session: str) -> tuple[JsonObject, JsonObject]:
    """The usual form, and the one to try when that is refused."""
    return {"sessionId": session}, {"id": session}


def meta(
    request_id: str, *, shell: str, mode: str = "agent", model: str = "", current_file: str = ""
) -> JsonObject:
    """What goes with a prompt and a choice of model; `shell` as `shell_type` says it.

    Without a request id the plugin refuses, and its updates repeat it.
    """
    found: JsonObject = {
        REQUEST_ID: request_id,
        "ai-coding/shell-type": shell,
        "ai-coding/enabled-mcp-servers": [],
        "ai-coding/mode": mode,
        "ai-coding/model": model,
        "ai-coding/current-file-path": current_file,
    }
    return {key: value for key, value in found.items() if value != ""}


def new_request_id(now_ms: int, random: str) -> str:
    """`random` is 8 hexadecimal digits."""
    return f"serve-{now_ms}-{random}"


def shell_type(system: System, shell: str) -> str:
    """The shell in which the plugin would run commands; `shell` is what SHELL holds."""
    if system == "windows":
        return "powershell"
    return PurePosixPath(shell.strip()).name or "sh"


# Pictures.


def picture(image: Image, path: str | None) -> JsonObject:
    """A part of a prompt.

    Qoder CN reads what is in it; Lingma's older runtime reads the file at `path`, an absolute
    path.  All four keys are always there.
    """
    return {
        "type": "image",
        "mimeType": image.media_type or "image/jpeg",
        "data": b64encode(image.data).decode(),
        "uri": "" if path is None else FILE_URI + quote_plus(path, errors="surrogateescape"),
    }


def extension(media_type: str) -> str:
    """How the name of such a picture's file ends."""
    return EXTENSIONS.get(media_type.partition(";")[0].strip().lower(), "jpg")


# Answers.


def session_id_of(result: Json) -> str:
    match result:
        case {"sessionId": str(id)} | {"id": str(id)} if id:
            return id
        case _:
            raise ProtocolError("The plugin opened a session, but did not say which.")


def models(result: Json) -> tuple[Model, ...]:
    """The models in the answer to `config/queryModels`; none when nobody is logged in.

    The first entry of a key counts.
    """
    if result is None:
        return ()
    if not is_object(result):
        raise ProtocolError("The plugin's list of models is no list of models.")
    found: dict[str, Model] = {}
    for entry in _entries(result):
        key = _first_text(entry, "key", "id", "modelId")
        if key and key not in found:
            found[key] = described(
                key,
                name=_first_text(entry, "displayName", "name", "label", "title"),
                sees=entry.get("isVl"),
                reasons=entry.get("isReasoning"),
            )
    return tuple(found.values())


def _entries(result: JsonObject) -> Iterator[JsonObject]:
    for scene in (*SCENES, *(key for key in result if key not in SCENES)):
        yield from objects(result.get(scene))


def _first_text(entry: JsonObject, *keys: str) -> str:
    return next((text for key in keys if isinstance(text := entry.get(key), str) and text), "")
