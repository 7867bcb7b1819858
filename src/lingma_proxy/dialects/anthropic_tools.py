"""Anthropic's tools, decoded: which functions the model is offered, and which it must use.

    client tools         {name, description, input_schema}: passed on
    Anthropic's own      bash, the text editor, memory, the computer: the client runs them,
    client tools         but their schemas are known to Anthropic's models only, so we say them
    web_search           a wish of its own (`policies/search_web.py`)
    other server tools   code_execution, mcp_toolset, …: nobody here can run them, so they are
                         left out with a warning
    toolsets             computer_toolset, browser_toolset: refused, because each stands for
                         some thirty tools whose schemas are not public

A conversation can change the offer: `tool_addition` and `tool_removal` in its system
messages, and `tool_reference` in a result, which is how a client's search for tools says
what it found.  A tool with `defer_loading` is not offered until one of them names it,
unless nobody could: then it is offered at once.
"""

import re
from collections.abc import Iterator

from lingma_proxy.conversation.request import NamedTool, Tool, ToolChoice
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialects.anthropic_content import refused
from lingma_proxy.jsonio import Json, JsonObject, an_object, objects

MAX_NAME = 128
DATED = re.compile(r"(.+)_\d{8}")
SEARCH = "web_search"
MOST_DOMAINS = 1000
SERVER_TOOLS = {
    SEARCH,
    "web_fetch",
    "code_execution",
    "tool_search_tool_bm25",
    "tool_search_tool_regex",
    "mcp_toolset",
    "advisor",
}


def _string(description: str, **more: Json) -> JsonObject:
    return {"type": "string", "description": description, **more}


def _object(required: list[str], **properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": required}


def _pair(description: str, length: int = 2) -> JsonObject:
    return {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": length,
        "maxItems": length,
        "description": description,
    }


BASH = _object(
    [],
    command=_string("The command to run; needed unless restart is true."),
    restart={"type": "boolean", "description": "Start the shell anew instead of running anything."},
)
MEMORY = _object(
    ["command"],
    command=_string(
        "What to do.",
        enum=["view", "create", "str_replace", "insert", "delete", "rename"],
    ),
    path=_string("The file or directory, below /memories; for all commands but rename."),
    view_range=_pair("For view: the first and the last line to show."),
    file_text=_string("For create: the whole content of the file."),
    old_str=_string("For str_replace: the text to replace; it must occur exactly once."),
    new_str=_string("For str_replace: the text to put in its place."),
    insert_line={"type": "integer", "description": "For insert: the line after which to insert."},
    insert_text=_string("For insert: the text to insert."),
    old_path=_string("For rename: the path as it is."),
    new_path=_string("For rename: the path as it shall be."),
)
ACTIONS = [
    "key", "type", "mouse_move", "left_click", "left_click_drag", "right_click",
    "middle_click", "double_click", "screenshot", "cursor_position",
]  # fmt: skip
ACTIONS_2025 = [
    *ACTIONS, "left_mouse_down", "left_mouse_up", "triple_click", "scroll", "hold_key", "wait",
]  # fmt: skip


def _editor(version: str) -> JsonObject:
    """The text editor; before April 2025 it could undo, and called inserted text `new_str`."""
    old = version < "20250429"
    inserted = "new_str" if old else "insert_text"
    properties: dict[str, JsonObject] = {
        "path": _string("The absolute path of the file or directory."),
        "view_range": _pair("For view: the first and the last line to show; -1 is the end."),
        "file_text": _string("For create: the whole content of the file."),
        "old_str": _string("For str_replace: the text to replace; it must occur exactly once."),
        "new_str": _string("For str_replace: the text to put in its place."),
        "insert_line": {
            "type": "integer",
            "description": "For insert: the line after which to insert; 0 is the beginning.",
        },
        inserted: _string(
            "For str_replace and insert: the new text."
            if old
            else "For insert: the text to insert."
        ),
    }
    commands = ["view", "create", "str_replace", "insert", *(["undo_edit"] if old else [])]
    return _object(["command", "path"], command=_string("What to do.", enum=commands), **properties)


def _computer(version: str, *, zoom: bool) -> JsonObject:
    actions = ACTIONS if version < "20250124" else [*ACTIONS_2025, *(["zoom"] if zoom else [])]
    properties: dict[str, JsonObject] = {
        "coordinate": _pair("Where on the screen: x and y in pixels from the top left."),
        "text": _string("For type: the text. For key and hold_key: the keys, as in ctrl+s."),
    }
    if version >= "20250124":
        properties |= {
            "start_coordinate": _pair("For left_click_drag: where the drag begins."),
            "scroll_direction": _string("For scroll.", enum=["up", "down", "left", "right"]),
            "scroll_amount": {"type": "integer", "description": "For scroll: how many clicks."},
            "duration": {"type": "number", "description": "For wait and hold_key: seconds."},
        }
    if zoom:
        properties["region"] = _pair("For zoom: x and y of two opposite corners.", 4)
    return _object(["action"], action=_string("What to do.", enum=actions), **properties)


class Offer:
    """The tools of one request, and what became of those that cannot be offered."""

    def __init__(self, tools: Json, messages: Json) -> None:
        self._known: dict[str, Tool] = {}
        self._offered: dict[str, bool] = {}
        self._left_out: dict[str, None] = {}
        self._searched = False
        self.web_search: WebSearch | None = None
        """The wish for a search of the web that the server makes."""
        match tools:
            case None:
                pass
            case list():
                for at, tool in enumerate(tools):
                    self._declare(tool, f"tools.{at}")
            case _:
                raise refused("tools", "a list of tools is expected.")
        if self._searched or not any(self._offered.values()):
            self._offered = dict.fromkeys(self._offered, True)
        for at, message in enumerate(objects(messages)):
            self._follow(message, f"messages.{at}")

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(tool for name, tool in self._known.items() if self._offered[name])

    @property
    def warnings(self) -> list[str]:
        return [
            f"The tool {name} runs on Anthropic's servers and was left out."
            for name in self._left_out
        ]

    def choice(self, value: Json) -> tuple[ToolChoice, bool]:
        """`tool_choice`, and whether several calls may be made at a time."""
        parallel = True
        match value:
            case {"disable_parallel_tool_use": bool(disabled)}:
                parallel = not disabled
            case {"disable_parallel_tool_use": _}:
                raise refused("tool_choice.disable_parallel_tool_use", "true or false is expected.")
        match value:
            case None | {"type": "auto"}:
                return "auto", parallel
            case {"type": "none"}:
                return "none", parallel
            case {"type": "any"}:
                if not self.tools and self.web_search is None:
                    raise refused("tool_choice", "it asks for a tool, but no usable tool is given.")
                return "required", parallel
            case {"type": "tool", "name": str(name)} if name in self._known:
                self._offered[name] = True
                return NamedTool(name), parallel
            case {"type": "tool", "name": "web_search"} if self.web_search is not None:
                return NamedTool(SEARCH), parallel
            case {"type": "tool", "name": str(name)} if name in self._left_out:
                raise refused(
                    "tool_choice", f"{name} runs on Anthropic's servers and cannot be used here."
                )
            case {"type": "tool", "name": str(name)}:
                raise refused("tool_choice", f"the tool {name!r} is not among the tools.")
            case _:
                raise refused(
                    "tool_choice", "an object of type auto, any, tool or none is expected."
                )

    def _declare(self, tool: Json, where: str) -> None:
        decoded = self._decode(tool, where)
        if decoded is None:
            return
        if not decoded.name or len(decoded.name) > MAX_NAME or not decoded.name.isprintable():
            raise refused(
                f"{where}.name", f"a name has 1 to {MAX_NAME} characters, all of them printable."
            )
        if decoded.name in self._known:
            raise refused(f"{where}.name", f"there are two tools named {decoded.name!r}.")
        self._known[decoded.name] = decoded
        self._offered[decoded.name] = tool.get("defer_loading") is not True

    def _decode(self, tool: Json, where: str) -> Tool | None:
        match tool:
            case {"type": str(kind)} if (dated := DATED.fullmatch(kind)) or kind in SERVER_TOOLS:
                family = dated[1] if dated else kind
                if family == SEARCH:
                    self.web_search = _web_search(tool, where)
                    return None
                if family in SERVER_TOOLS:
                    self._searched |= family.startswith("tool_search")
                    self._left_out[str(tool.get("name") or tool.get("mcp_server_name") or kind)] = (
                        None
                    )
                    return None
                return _anthropics(tool, family, kind[-8:], where)
            case {"name": str(name), "input_schema": dict(schema)}:
                if schema.get("type", "object") != "object":
                    raise refused(f"{where}.input_schema.type", "it must be 'object'.")
                match tool.get("description"):
                    case None:
                        description = ""
                    case str(text):
                        description = text
                    case _:
                        raise refused(f"{where}.description", "a string is expected.")
                strict = tool.get("strict")
                return Tool(name, description, schema, strict if isinstance(strict, bool) else None)
            case {"name": str()}:
                raise refused(f"{where}.input_schema", "a JSON Schema (an object) is required.")
            case _:
                raise refused(where, "a tool is an object with a name and an input_schema.")

    def _follow(self, message: JsonObject, where: str) -> None:
        for at, block in enumerate(objects(message.get("content"))):
            match block:
                case {"type": "tool_addition" | "tool_removal"} if message.get("role") == "system":
                    self._change(block, f"{where}.content.{at}")
                case {"type": "compaction", "tool_changes": list(changes)}:
                    for change in objects(changes):
                        self._change(change, f"{where}.content.{at}.tool_changes")
                case {"type": "tool_result" | "tool_search_tool_result", "content": content}:
                    for name in _references(content):
                        if name in self._known:
                            self._offered[name] = True

    def _change(self, change: JsonObject, where: str) -> None:
        added = change.get("type") == "tool_addition"
        match change.get("tool"):
            case {"type": "tool_reference", "name": str(name)}:
                if name in self._known:
                    self._offered[name] = added
            case {"type": "tool_definition", "definition": dict(definition)} if added:
                self._known.pop(str(definition.get("name")), None)  # a newer shape of it
                self._declare(definition, f"{where}.tool.definition")
                if (name := str(definition.get("name"))) in self._known:
                    self._offered[name] = True
            case {"type": "mcp_tool_reference" | "mcp_toolset_reference", "server_name": str(name)}:
                if added:
                    self._left_out[name] = None
            case _:
                raise refused(f"{where}.tool", "a reference to a tool is expected.")


def _web_search(tool: JsonObject, where: str) -> WebSearch:
    if tool.get("name", SEARCH) != SEARCH:
        raise refused(f"{where}.name", f"the name of this tool is {SEARCH}.")
    allowed = _domains(tool.get("allowed_domains"), f"{where}.allowed_domains")
    blocked = _domains(tool.get("blocked_domains"), f"{where}.blocked_domains")
    if allowed and blocked:
        raise refused(where, "allowed_domains and blocked_domains exclude each other.")
    uses = tool.get("max_uses")
    if uses is not None and (isinstance(uses, bool) or not isinstance(uses, int) or uses < 1):
        raise refused(f"{where}.max_uses", "a whole number of at least 1 is expected.")
    place = an_object(tool.get("user_location"))
    names = [place.get(key) for key in ("city", "region", "country", "timezone")]
    location = ", ".join(name for name in names if isinstance(name, str) and name)
    return WebSearch(SEARCH, uses, allowed, blocked, location)


def _domains(value: Json, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_DOMAINS:
        raise refused(where, f"a list of at most {MOST_DOMAINS} domains is expected.")
    domains = [domain.strip().lower() for domain in value if isinstance(domain, str)]
    if len(domains) < len(value) or not all(domains):
        raise refused(where, "a domain is a text such as example.com or example.com/blog.")
    return tuple(domains)


def _references(content: Json) -> Iterator[str]:
    blocks = objects(content)
    if isinstance(content, dict):
        blocks = objects(content.get("tool_references"))
    for block in blocks:
        match block:
            case {"type": "tool_reference", "tool_name": str(name)}:
                yield name


def _anthropics(tool: JsonObject, family: str, version: str, where: str) -> Tool:
    """One of the tools that Anthropic defines and the client runs."""
    name = tool.get("name")
    if family.endswith("_toolset"):
        raise refused(where, f"{tool['type']} is not supported; declare single tools instead.")
    if not isinstance(name, str):
        raise refused(f"{where}.name", "a name is required.")
    match family:
        case "bash":
            return Tool(name, "Run a command in a shell that lives on between calls.", BASH)
        case "text_editor":
            return Tool(name, "View, create and edit text files.", _editor(version))
        case "memory":
            return Tool(name, "Keep notes in files below /memories, across sessions.", MEMORY)
        case "computer":
            width, height = tool.get("display_width_px"), tool.get("display_height_px")
            return Tool(
                name,
                f"Use a computer's mouse, keyboard and screen of {width} by {height} pixels."
                " Take a screenshot to see what an action did.",
                _computer(version, zoom=tool.get("enable_zoom") is True),
            )
        case _:
            raise refused(
                where, f"the tool type {tool['type']!r} is not known; give it an input_schema."
            )
