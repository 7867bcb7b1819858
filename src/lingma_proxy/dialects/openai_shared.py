"""What OpenAI's APIs have in common: fields and their types, tools, errors.

A field that is null counts as one that is missing.  What cannot be read is refused in a
sentence that names its place, as OpenAI's `param` spells it: `messages[3].content[1]`.
"""

from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    Effort,
    Image,
    ImageLink,
    NamedTool,
    Reasoning,
    Tool,
    ToolChoice,
)
from lingma_proxy.errors import InvalidRequest, ProxyError
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.wire import data_url

# Errors.

KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
}
"""By status, which is the meaning of an error's class; other 4xx blame the request."""
CODES = {429: "rate_limit_exceeded", 503: "service_unavailable", 504: "timeout"}
"""For programs, where the error itself has no better word."""


def error_body(error: ProxyError, request_id: str) -> JsonObject:
    """An error in OpenAI's words.  One that is not the client's names the request."""
    ours = error.status >= 500
    kind = KINDS.get(error.status, "server_error" if ours else "invalid_request_error")
    return {
        "error": {
            "message": f"{error.message} (request {request_id})" if ours else error.message,
            "type": kind,
            "param": error.param,
            "code": error.code or CODES.get(error.status),
        }
    }


def refused(place: str, complaint: str) -> InvalidRequest:
    return InvalidRequest(f"{place} {complaint}", param=place)


def kind_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


# Fields.


def number(body: JsonObject, name: str, low: float, high: float) -> float | None:
    match body.get(name):
        case None:
            return None
        case bool() as value:
            pass
        case int() | float() as value if low <= value <= high:
            return float(value)
        case value:
            pass
    raise refused(name, f"is a number from {low:g} to {high:g}, not {shown(value)}.")


def integer(body: JsonObject, name: str, low: int | None = None) -> int | None:
    """A whole number of any size.  `1.0` is one: some languages have no other."""
    match body.get(name):
        case None:
            return None
        case bool() as value:
            pass
        case int() as value if low is None or value >= low:
            return value
        case float() as value if value.is_integer() and (low is None or value >= low):
            return int(value)
        case value:
            pass
    least = "" if low is None else f" of at least {low}"
    raise refused(name, f"is a whole number{least}, not {shown(value)}.")


def flag(body: JsonObject, name: str, place: str = "") -> bool | None:
    match body.get(name):
        case None | bool() as value:
            return value
        case value:
            raise refused(f"{place}{name}", f"is true or false, not {kind_of(value)}.")


def string(body: JsonObject, name: str, place: str = "") -> str | None:
    match body.get(name):
        case None | str() as value:
            return value
        case value:
            raise refused(f"{place}{name}", f"is a string, not {kind_of(value)}.")


def an_object_at(body: JsonObject, name: str) -> JsonObject:
    """The object there; an empty one if there is none."""
    match body.get(name):
        case None:
            return {}
        case dict() as value:
            return value
        case value:
            raise refused(name, f"is an object, not {kind_of(value)}.")


def a_list_at(body: JsonObject, name: str, place: str = "") -> list[Json]:
    """The list there; an empty one if there is none."""
    match body.get(name):
        case None:
            return []
        case list() as value:
            return value
        case value:
            raise refused(f"{place}{name}", f"is a list, not {kind_of(value)}.")


def ends(value: Json, place: str = "stop") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stop sequences, as many as there are, and a warning for those that are none."""
    match value:
        case None:
            return (), ()
        case str():
            asked = [value]
        case list() if all(isinstance(each, str) for each in value):
            asked = value
        case _:
            raise refused(place, f"is a string or a list of strings, not {kind_of(value)}.")
    stop = tuple(dict.fromkeys(each for each in asked if each))
    if all(asked):
        return stop, ()
    return stop, (f"{place}: an empty sequence stops nothing.",)


def shown(value: Json) -> str:
    """A number as it came; of anything else only the kind, for it may be long or private."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = repr(value)
        return text if len(text) <= 24 else f"{text[:24]}…"
    return kind_of(value)


# Pictures.


def image(url: str, place: str) -> Image | ImageLink:
    """A picture from a data URL, or the link to one."""
    if not data_url.is_data_url(url):
        if not url:
            raise refused(place, "is empty; it is the URL of an image.")
        return ImageLink(url)
    try:
        content = data_url.decode(url)
    except ValueError as error:
        raise refused(place, f"cannot be read: {error}.") from None
    media_type = content.media_type.partition(";")[0].strip()
    # Browsers say octet-stream of a file whose name they do not know.
    if not media_type.startswith("image/") and media_type != "application/octet-stream":
        raise refused(place, f"is no image: its data URL says {media_type[:40]!r}.")
    return Image(media_type, content.data)


# Documents.


def document(file: JsonObject, place: str) -> Document | DocumentLink:
    """A file: `{file_data?, filename?, file_url?, file_id?}`, flat or nested as the API has it.

    `file_data` is a data URL, or base64 alone: then its name says what it is.
    """
    title = string(file, "filename", f"{place}.") or ""
    match file:
        case {"file_data": str(data)} if data:
            try:
                if not data_url.is_data_url(data):
                    return Document("", data_url.base64(data), title)
                content = data_url.decode(data)
            except ValueError as error:
                raise refused(f"{place}.file_data", f"cannot be read: {error}.") from None
            return Document(content.media_type, content.data, title)
        case {"file_url": str(url)} if data_url.is_data_url(url):
            return document({"file_data": url, "filename": title}, place)
        case {"file_url": str(url)} if url:
            return DocumentLink(url, title)
        case {"file_id": str()}:
            raise refused(
                f"{place}.file_id",
                "names a file on a server of OpenAI's; there is no Files API here. Send the file"
                " itself as file_data.",
            )
        case _:
            raise refused(place, "is a file, and needs file_data with a data URL.")


# Reasoning.

EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def effort(body: JsonObject, name: str, place: str = "") -> Effort | None:
    value = string(body, name, place)
    if value is None:
        return None
    if value not in EFFORTS:
        raise refused(f"{place}{name}", f"is one of {', '.join(EFFORTS)}.")
    return EFFORTS[value]


def reasoning(
    effort: Effort | None,
    *,
    switch: bool | None = None,
    budget_tokens: int | None = None,
    shown: bool = True,
) -> Reasoning:
    """To think or not to think: a switch says it plainly; an effort or a budget implies it."""
    wanted = switch
    if wanted is None and effort is not None:
        wanted = effort != "none"
    if wanted is None and budget_tokens is not None:
        wanted = budget_tokens > 0
    return Reasoning(wanted, effort, budget_tokens or None, shown)


# Tools.

LONGEST_NAME = 128
"""OpenAI takes 64 characters of `a-zA-Z0-9_-`; tools of MCP servers often have more."""


def function(value: Json, place: str) -> Tool:
    """A function's definition: `{name, description?, parameters?, strict?}`."""
    name = tool_name(value, place)
    return Tool(
        name,
        string(value, "description", f"{place}.") or "",
        schema(value.get("parameters"), f"{place}.parameters"),
        flag(value, "strict", f"{place}."),
    )


def tool_name(value: Json, place: str) -> str:
    match value:
        case {"name": str(name)}:
            pass
        case _:
            raise refused(place, "is an object with a name that is a string.")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise refused(f"{place}.name", f"is 1 to {LONGEST_NAME} printable characters.")
    return name


def schema(value: Json, place: str) -> JsonObject:
    match value:
        case None:
            return {"type": "object", "properties": {}}
        case dict():
            return value
        case _:
            raise refused(place, f"is a JSON Schema, and so an object, not {kind_of(value)}.")


def tool(value: Json, place: str) -> Tool:
    """A tool's definition, as Chat nests it or as Responses lays it flat."""
    match value:
        case {"type": "function", "function": definition}:
            return function(definition, f"{place}.function")
        case {"type": "function"}:
            return function(value, place)
        case {"type": "custom"}:
            raise refused(
                place,
                "is a custom tool, which this API does not know. Declare a function with one"
                " parameter of type string instead.",
            )
        case {"type": str(kind)}:
            raise refused(
                f"{place}.type",
                f"{kind[:40]!r} is not supported; tools are functions that the client runs.",
            )
        case {"function": definition}:
            return function(definition, f"{place}.function")
        case _:
            raise refused(place, "is an object with a type and a function.")


def distinct(tools: list[Tool], place: str) -> tuple[Tool, ...]:
    names: set[str] = set()
    for index, each in enumerate(tools):
        if each.name in names:
            raise refused(f"{place}[{index}]", f"declares {each.name!r} a second time.")
        names.add(each.name)
    return tuple(tools)


def choice(value: Json, tools: tuple[Tool, ...]) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """What `tool_choice` says, and the tools that it leaves."""
    match value:
        case None:
            return "auto", tools
        case "auto" | "none" | "required" as mode:
            pass
        case {"type": "auto" | "none" | "required" as mode}:
            pass
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(allowed)}}:
            return among(mode, allowed, tools)
        case {"type": "allowed_tools", "mode": mode, "tools": list(allowed)}:
            return among(mode, allowed, tools)
        case {"type": str()} if (name := named(value)) is not None:
            return NamedTool(declared(name, tools)), tools
        case {"type": str(kind)}:
            raise refused("tool_choice", f"of type {kind[:40]!r} is not supported.")
        case _:
            raise refused(
                "tool_choice", "is auto, none, required, or an object that names a function."
            )
    if mode == "required" and not tools:
        raise refused("tool_choice", "is required, but there are no tools.")
    return mode, tools


def among(
    mode: Json, allowed: list[Json], tools: tuple[Tool, ...]
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """The choice among some of the tools: the others are not offered."""
    names = set()
    for value in allowed:
        name = named(value)
        if name is None:
            raise refused("tool_choice", "allows something that is not a function.")
        names.add(declared(name, tools))
    left = tuple(each for each in tools if each.name in names)
    match mode:
        case "auto":
            return "auto", left
        case "required" if left:
            return "required", left
        case "required":
            raise refused("tool_choice", "requires one of no tools.")
        case _:
            raise refused("tool_choice", "has a mode that is neither auto nor required.")


def named(value: Json) -> str | None:
    """The name of the tool that is meant, as Chat nests it or as Responses lays it flat."""
    match value:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
        case {"type": "custom", "custom": {"name": str(name)}}:
            return name
        case {"type": "function" | "custom", "name": str(name)}:
            return name
        case _:
            return None


def declared(name: str, tools: tuple[Tool, ...]) -> str:
    if all(each.name != name for each in tools):
        raise refused(
            "tool_choice", f"names {name[:LONGEST_NAME]!r}, which is not among the tools."
        )
    return name
