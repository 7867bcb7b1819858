"""The tools of OpenAI Responses, decoded, and how each of them is a function.

    function        itself
    namespace       each of its tools, under a name that holds the namespace's
    custom          a function with one string (see `openai_custom_tools`)
    local_shell     a function with a command
    tool_search     a function with the client's own parameters, if the client runs it
    web_search      a wish of its own (`policies/search_web.py`)
    all others      run by OpenAI: left out, with a warning

`Offer` remembers what stands for what, so that a call goes back as the client knows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from lingma_proxy.conversation.request import NamedTool, Tool, ToolChoice
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.dialects.openai_custom_tools import custom
from lingma_proxy.dialects.openai_shared import a_list_at, an_object_at, kind_of, refused, string
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, an_object, objects

Kind: TypeAlias = Literal["function", "custom", "local_shell", "tool_search"]

SEARCHES = frozenset(
    [
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    ]
)
MOST_DOMAINS = 1000
LOCAL_SHELL = Tool(
    "local_shell",
    "Runs a program on the user's machine and returns what it writes.",
    {
        "type": "object",
        "properties": {
            "command": {
                "type": "array",
                "items": {"type": "string"},
                "description": 'The program and its arguments, such as ["ls", "-l"].',
            },
            "working_directory": {"type": "string", "description": "Where it is run."},
            "timeout_ms": {
                "type": "integer",
                "description": "After how many milliseconds it is ended.",
            },
            "env": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Variables to set in its environment.",
            },
        },
        "required": ["command"],
    },
)
TOOL_SEARCH = Tool(
    "tool_search",
    "Finds more tools by what they do; those that it finds can be called from then on.",
    {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What the tool is to do."}},
        "required": ["query"],
    },
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's tool behind a function that the model knows."""

    kind: Kind
    name: str
    namespace: str | None = None


class Offer:
    """The functions that the model is offered, and the tools that they stand for."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self.left_out: dict[str, None] = {}
        """The types of the tools that are not offered, in their order."""
        self.web_search: WebSearch | None = None
        """The wish for a search of the web that the server makes."""
        self._origins: dict[str, Origin] = {}
        self._names: dict[Origin, str] = {}

    def add(self, tool: Tool, origin: Origin) -> None:
        """Offer one more; a tool that is declared anew takes the place of the older one."""
        name = self._names.get(origin)
        if name is None:
            name = self._free(flat(origin.name, origin.namespace))
            self._names[origin] = name
            self._origins[name] = origin
        self._tools[name] = replace(tool, name=name)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(self._tools.values())

    def name(self, kind: Kind, name: str, namespace: str | None = None) -> str:
        """The function that stands for a tool, also for one that is no longer declared."""
        return self._names.get(Origin(kind, name, namespace)) or flat(name, namespace)

    def origin(self, name: str) -> Origin:
        return self._origins.get(name) or Origin("function", name)

    def find(self, kind: Kind, name: str, namespace: str | None) -> str | None:
        """The function for a tool that is chosen; its namespace may be left unsaid."""
        exact = self._names.get(Origin(kind, name, namespace))
        if exact is not None or namespace is not None:
            return exact
        for origin, each in self._names.items():
            if (origin.kind, origin.name) == (kind, name):
                return each
        return None

    @property
    def warnings(self) -> Iterator[str]:
        for kind in self.left_out:
            yield f"tools: {kind[:40]!r} is left out; what OpenAI runs itself, nobody runs here."

    def _free(self, name: str) -> str:
        free, count = name, 1
        while free in self._origins:
            count += 1
            free = f"{name}_{count}"
        return free


def flat(name: str, namespace: str | None) -> str:
    """One name for a tool and its namespace (which is `mcp__server__` with some clients)."""
    if not namespace:
        return name
    return f"{namespace}{name}" if namespace.endswith("__") else f"{namespace}__{name}"


def offered(body: JsonObject, items: list[Json]) -> Offer:
    """All tools of a request: its `tools`, and those that its input brings along."""
    offer = Offer()
    seen: set[Origin] = set()
    for at, value in enumerate(a_list_at(body, "tools")):
        for tool, origin in declared(value, f"tools[{at}]", offer):
            if origin in seen:
                raise refused(f"tools[{at}]", f"declares {origin.name!r} a second time.")
            seen.add(origin)
            offer.add(tool, origin)
    for at, item in enumerate(items):
        match item:
            case {"type": "additional_tools" | "tool_search_output", "tools": list(more)}:
                for index, value in enumerate(more):
                    for tool, origin in declared(value, f"input[{at}].tools[{index}]", offer):
                        offer.add(tool, origin)
            case _:
                pass
    return offer


def declared(value: Json, place: str, offer: Offer) -> Iterator[tuple[Tool, Origin]]:
    """The functions for one tool; what is left out is noted in the offer."""
    match value:
        case {"type": "function"}:
            tool = shared.tool(value, place)
            yield tool, Origin("function", tool.name)
        case {"type": "custom"}:
            tool = custom(an_object(value.get("custom")) or value, place)
            yield tool, Origin("custom", tool.name)
        case {"type": "namespace", "name": str(name)} if name:
            yield from namespaced(value, name, place, offer)
        case {"type": "namespace"}:
            raise refused(f"{place}.name", "is the namespace's name, a string.")
        case {"type": "local_shell"}:
            yield LOCAL_SHELL, Origin("local_shell", LOCAL_SHELL.name)
        case {"type": "tool_search", "execution": "client"}:
            yield tool_search(value, place), Origin("tool_search", TOOL_SEARCH.name)
        case {"type": str(kind)} if kind in SEARCHES:
            offer.web_search = web_search(value, place)
        case {"type": str(kind)}:
            offer.left_out[kind] = None
        case _:
            raise refused(place, f"is an object with a type, not {kind_of(value)}.")


def namespaced(
    value: JsonObject, name: str, place: str, offer: Offer
) -> Iterator[tuple[Tool, Origin]]:
    """The tools of a namespace.  What it says of itself stands with the first of them."""
    about = string(value, "description", f"{place}.") or ""
    for index, each in enumerate(a_list_at(value, "tools", f"{place}.")):
        for tool, origin in declared(each, f"{place}.tools[{index}]", offer):
            if about:
                described = f"{tool.description}\n\n{name}: {about}".strip()
                about = ""
            else:
                described = tool.description
            yield replace(tool, description=described), replace(origin, namespace=name)


def tool_search(value: JsonObject, place: str) -> Tool:
    described = string(value, "description", f"{place}.") or TOOL_SEARCH.description
    parameters = value.get("parameters")
    if parameters is None:
        return replace(TOOL_SEARCH, description=described)
    return Tool(TOOL_SEARCH.name, described, shared.schema(parameters, f"{place}.parameters"))


def web_search(value: JsonObject, place: str) -> WebSearch:
    """Whether pages may be fetched (`external_web_access`) makes no difference: none is."""
    filters = an_object_at(value, "filters")
    near = an_object_at(value, "user_location")
    names = (near.get(key) for key in ("city", "region", "country", "timezone"))
    return WebSearch(
        allowed_domains=domains(filters, "allowed_domains", f"{place}.filters."),
        blocked_domains=domains(filters, "blocked_domains", f"{place}.filters."),
        location=", ".join(name for name in names if isinstance(name, str) and name),
    )


def domains(filters: JsonObject, name: str, place: str) -> tuple[str, ...]:
    found = a_list_at(filters, name, place)
    if len(found) > MOST_DOMAINS or not all(isinstance(it, str) and it.strip() for it in found):
        raise refused(f"{place}{name}", f"is a list of at most {MOST_DOMAINS} domains.")
    return tuple(str(domain).strip().lower() for domain in found)


# Which of them are to be used.


def chosen(value: Json, offer: Offer) -> tuple[ToolChoice, tuple[Tool, ...], tuple[str, ...]]:
    """What `tool_choice` says, the tools that it leaves, and warnings."""
    match value:
        case "required" if not offer.tools and offer.web_search is not None:
            return "required", (), ()
        case {"type": str(kind)} if kind in SEARCHES and offer.web_search is not None:
            return NamedTool(offer.web_search.name), offer.tools, ()
        case "required" if not offer.tools and offer.left_out:
            return "auto", (), ("tool_choice: all tools are left out, so none is required.",)
        case {"type": "allowed_tools"}:
            return allowed(an_object(value.get("allowed_tools")) or value, offer)
        case {"type": str(kind)}:
            name = function(value, offer)
            if name is not None:
                return NamedTool(name), offer.tools, ()
            if kind not in {"function", "custom", "auto", "none", "required"}:
                warning = f"tool_choice: {kind[:40]!r} is left out, so the model is free to choose."
                return "auto", offer.tools, (warning,)
    choice, tools = shared.choice(value, offer.tools)
    return choice, tools, ()


def allowed(
    value: JsonObject, offer: Offer
) -> tuple[ToolChoice, tuple[Tool, ...], tuple[str, ...]]:
    """The choice among some of the tools; those that are left out anyway do not count."""
    names: list[Json] = []
    left_out = searches = False
    for each in a_list_at(value, "tools", "tool_choice."):
        match each:
            case {"type": "function" | "custom"}:
                name = function(each, offer)
                if name is None:
                    raise unknown(each)
                names.append({"type": "function", "name": name})
            case {"type": str(kind)} if kind in SEARCHES and offer.web_search is not None:
                searches = True
            case {"type": str()}:
                name = function(each, offer)
                left_out = left_out or name is None
                if name is not None:
                    names.append({"type": "function", "name": name})
            case _:
                raise refused("tool_choice", "allows something that is not a tool.")
    mode = value.get("mode")
    if not searches:
        offer.web_search = None
    elif not names:
        return ("required" if mode == "required" else "auto"), (), ()
    warnings: tuple[str, ...] = ()
    if left_out and not names and mode == "required":
        mode = "auto"
        warnings = ("tool_choice: all tools that it allows are left out, so none is required.",)
    choice, tools = shared.among(mode, names, offer.tools)
    return choice, tools, warnings


def function(value: JsonObject, offer: Offer) -> str | None:
    """The function for a tool that is named in a choice; None if there is none.

    Raises InvalidRequest if the client itself declares no such tool.
    """
    match value:
        case {"type": "function" | "custom" as kind}:
            inner = an_object(value.get(kind)) or value
            match inner:
                case {"name": str(name)}:
                    found = offer.find(kind, name, string(value, "namespace", "tool_choice."))
                case _:
                    return None
            if found is None:
                raise unknown(inner)
            return found
        case {"type": "local_shell" | "tool_search" as kind}:
            return offer.find(kind, kind, None)
        case _:
            return None


def unknown(value: JsonObject) -> InvalidRequest:
    name = str(value.get("name"))[: shared.LONGEST_NAME]
    return refused("tool_choice", f"names {name!r}, which is not among the tools.")


def echoed(tools: list[Json]) -> list[JsonObject]:
    """The tools as a response repeats them: as they came, but functions always laid flat."""
    return [
        {"strict": None, "parameters": None, "type": "function", **nested}
        if each.get("type") == "function" and (nested := an_object(each.get("function")) or each)
        else each
        for each in objects(tools)
    ]
