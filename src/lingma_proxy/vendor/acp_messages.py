"""What is said to an agent over standard ACP, method by method, and its answers read.

    initialize                 → `Agent`: its name, what it takes, how to log in
    session/new                → `Session`: its id, its models, how one is chosen
    session/set_config_option, or session/set_model with agents from before it
    session/prompt             its answer is `vendor.updates`' business
    session/cancel             a notification
    session/close              where the agent has it

The Agent Client Protocol, version 1 (agentclientprotocol.com).  We declare that we have no
files and no terminal.  An agent's models are in a select option of the category `model`:

    configOptions: [{id, category: "model", type: "select", currentValue, options: […]}]
        options: {value, name}, or groups of them: {group, name, options: […]}
    models: {currentModelId, availableModels: [{modelId, name}]}          (older)
"""

import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from lingma_proxy import __version__
from lingma_proxy.backend import Model
from lingma_proxy.conversation.request import Image, ImageLink
from lingma_proxy.errors import ModelNotFound, ProtocolError
from lingma_proxy.jsonio import Json, JsonObject, an_object, is_object, objects
from lingma_proxy.vendor.places import System
from lingma_proxy.vendor.refusals import quoted

VERSION = 1


@dataclass(frozen=True, slots=True)
class Preset:
    """How a known agent is started so that it uses no tools of its own on our account.

    Declaring no files and no terminal does not keep an agent from them: it has its own.
    """

    command: str
    """A command line; its first word is the program that it needs."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables, for who has not set them."""


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "qodercli": Preset('qodercli --acp --tools ""'),
        "qoderclicn": Preset('qoderclicn --acp --tools ""'),
        "opencode": Preset("opencode acp", {"OPENCODE_PERMISSION": '{"*":"deny"}'}),
        "qwen-code": Preset(
            "qwen --acp --core-tools none --exclude-tools agent,skill,tool_call,tool_search"
            " --allowed-mcp-server-names none --approval-mode default"
        ),
    }
)
"""By name.  A command line that a person has written is started as it was written."""


@dataclass(frozen=True, slots=True)
class AuthMethod:
    """A way to log in, in the agent's words."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """Who answered `initialize`; "" for what it did not say."""

    name: str
    version: str
    images: bool
    """Whether its prompts take pictures."""
    can_close: bool
    """Whether it has session/close."""
    methods: tuple[AuthMethod, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    models: tuple[Model, ...] = ()
    current: str = ""
    """The key of the model that answers; "" where the agent does not say."""
    option: str | None = None
    """The id of the option that chooses a model; "" with older agents, None with those that let
    nobody choose."""

    def find(self, name: str) -> str:
        """The key of a model, by its key or by what people call it.  Raises ModelNotFound."""
        if any(model.key == name for model in self.models):
            return name
        folded = name.casefold()
        for model in self.models:
            if folded in {model.key.casefold(), model.name.casefold()}:
                return model.key
        some = ", ".join(model.name for model in self.models[:8])
        raise ModelNotFound(
            f'The agent has no model "{quoted(name, 100)}". It has: {quoted(some)}.'
        )

    def choose(self, key: str) -> tuple[str, JsonObject]:
        """The method that makes a model answer, and its params.  Raises ModelNotFound."""
        match self.option:
            case None:
                raise ModelNotFound(
                    "This agent does not let a model be chosen: its own settings say which one"
                    " answers."
                )
            case "":
                return "session/set_model", {"sessionId": self.id, "modelId": key}
            case option:
                params = {"sessionId": self.id, "configId": option, "value": key}
                return "session/set_config_option", params


def command_of(text: str, system: System = "linux") -> tuple[str, ...]:
    """The program and its arguments, given a preset's name or a command line.

    Raises ValueError with a sentence.
    """
    if (preset := PRESETS.get(text.strip())) is not None:
        return tuple(shlex.split(preset.command))
    # On Windows a backslash stands in paths, and quotes stay around what they hold.
    words = shlex.split(text, posix=system != "windows")
    if system == "windows":
        words = [
            word[1:-1] if word[:1] == word[-1:] == '"' and word[1:] else word for word in words
        ]
    if not words or not words[0]:
        raise ValueError(f"a command names a program, or is one of {', '.join(PRESETS)}")
    return tuple(words)


def keeps_its_tools(text: str) -> bool:
    """Whether a setting holds a command line of a person's own, and so tools of the agent's."""
    return bool(text.strip()) and text.strip() not in PRESETS


def environment_of(text: str) -> Mapping[str, str]:
    """The variables that go with a preset's name; none with a command line."""
    preset = PRESETS.get(text.strip())
    return {} if preset is None else preset.environment


def initialize(version: str = __version__) -> JsonObject:
    return {
        "protocolVersion": VERSION,
        "clientCapabilities": {
            "fs": {"readTextFile": False, "writeTextFile": False},
            "terminal": False,
        },
        "clientInfo": {"name": "lingma-proxy", "title": "Lingma Proxy", "version": version},
    }


def read_agent(result: Json) -> Agent:
    """Raises ProtocolError for no agent, and for one that speaks another version."""
    if not is_object(result):
        raise ProtocolError("The agent did not introduce itself as one that speaks ACP.")
    spoken = result.get("protocolVersion", VERSION)
    if spoken != VERSION:
        raise ProtocolError(
            f"The agent speaks version {quoted(str(spoken), 20)} of ACP, and we version {VERSION}."
            " Another version of the agent may do."
        )
    info = an_object(result.get("agentInfo"))
    able = an_object(result.get("agentCapabilities"))
    return Agent(
        name=quoted(_text(info, "title", "name"), 60),
        version=quoted(_text(info, "version"), 40),
        images=an_object(able.get("promptCapabilities")).get("image") is True,
        can_close=is_object(an_object(able.get("sessionCapabilities")).get("close")),
        methods=tuple(_methods(result.get("authMethods"))),
    )


def new_session(folder: str) -> JsonObject:
    return {"cwd": folder, "mcpServers": []}


def read_session(result: Json) -> Session:
    """Raises ProtocolError for a session without an id."""
    match result:
        case {"sessionId": str(id), **rest} if id:
            pass
        case _:
            raise ProtocolError("The agent opened a session, but did not say which.")
    for option in objects(rest.get("configOptions")):
        match option:
            case {"id": str(name), "type": "select"} if name and _is_model(option):
                current = _text(option, "currentValue")
                models = _models(_values(option.get("options")), "value", current)
                return Session(id, models, current, name)
            case _:
                pass  # the mode, the effort, …
    older = an_object(rest.get("models"))
    current = _text(older, "currentModelId")
    models = _models(objects(older.get("availableModels")), "modelId", current)
    return Session(id, models, current, "" if models else None)


def _is_model(option: JsonObject) -> bool:
    """By its category, which the schema leaves optional."""
    return option.get("category", option["id"]) == "model"


def prompt(session: str, text: str, pictures: Sequence[Image | ImageLink] = ()) -> JsonObject:
    words = [{"type": "text", "text": text}] if text or not pictures else []
    return {"sessionId": session, "prompt": [*words, *map(_picture, pictures)]}


def cancel(session: str) -> JsonObject:
    return {"sessionId": session}


def close(session: str) -> JsonObject:
    return {"sessionId": session}


def _picture(picture: Image | ImageLink) -> JsonObject:
    match picture:
        case Image(media_type, data):
            data_text = b64encode(data).decode()
            return {"type": "image", "mimeType": media_type or "image/jpeg", "data": data_text}
        case ImageLink(url):
            # Of links to pictures the protocol knows nothing, but every agent takes these.
            name = urlsplit(url).path.rpartition("/")[2] or "image"
            return {"type": "resource_link", "uri": url, "name": name}


def _methods(listed: Json) -> Iterator[AuthMethod]:
    for method in objects(listed):
        if id := _text(method, "id"):
            name = _text(method, "name") or id
            yield AuthMethod(id, quoted(name, 80), quoted(_text(method, "description")))


def _values(options: Json) -> Iterator[JsonObject]:
    """The values of an option, flat or in groups."""
    for each in objects(options):
        if "value" in each:
            yield each
        else:
            yield from objects(each.get("options"))


def _models(
    entries: Sequence[JsonObject] | Iterator[JsonObject], id: str, current: str
) -> tuple[Model, ...]:
    found: dict[str, Model] = {}
    for entry in entries:
        key = _text(entry, id)
        if key and key not in found:
            found[key] = Model(key, _text(entry, "name") or key, is_default=key == current)
    return tuple(found.values())


def _text(value: JsonObject, *keys: str) -> str:
    """The first of them that is a text and not empty."""
    return next((text for key in keys if isinstance(text := value.get(key), str) and text), "")
