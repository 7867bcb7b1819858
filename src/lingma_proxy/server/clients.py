"""Which program asks, in a word: "claude-code", "codex", "openai-python".

It tells people who is who in the log and the records, and lets clients take turns; nobody is
trusted by it, and no answer depends on it.  So a table of what they are known to send is
enough, in this order: headers of their own, then the name in User-Agent.  What is not in it
goes by that name as it stands.

What is sent was seen in captures of these programs, or is in their documentation.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from lingma_proxy.wire.printable import printable

LONGEST_AGENT = 200
"""Characters of a User-Agent that are kept; browsers have about 120."""
LONGEST_NAME = 40

BY_HEADER: tuple[tuple[str, str, str], ...] = (
    ("x-claude-code-session-id", "", "claude-code"),
    ("x-app", "cli", "claude-code"),
    ("x-codex-turn-metadata", "", "codex"),
    ("originator", "codex", "codex"),
)
"""(a header, how its value begins, who sends it).

Editors pass on what they are built from: the extension of Claude Code is Claude Code.
"""

TITLES = {
    "cline": "cline",
    "roo code": "roo",
    "kilo code": "kilo-code",
    "opencode": "opencode",
    "aider": "aider",
    "zed": "zed",
    "continue": "continue",
    "goose": "goose",
    "open webui": "open-webui",
    "cherry studio": "cherry-studio",
    "librechat": "librechat",
}
"""Values of `X-Title`, by which programs introduce themselves as OpenRouter asks them to."""

BY_NAME: tuple[tuple[str, str], ...] = (
    ("lingma-proxy", "lingma-proxy"),
    ("claude-cli", "claude-code"),
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("cline", "cline"),
    ("roocode", "roo"),
    ("roo-code", "roo"),
    ("roo", "roo"),
    ("kilo-code", "kilo-code"),
    ("kilocode", "kilo-code"),
    ("continue", "continue"),
    ("opencode", "opencode"),
    ("cursor", "cursor"),
    ("zed", "zed"),
    ("aider", "aider"),
    ("goose", "goose"),
    ("geminicli", "gemini-cli"),
    ("qwencode", "qwen-code"),
    ("githubcopilotchat", "copilot"),
    ("anthropic/python", "anthropic-python"),
    ("asyncanthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-js"),
    ("openai/python", "openai-python"),
    ("asyncopenai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("asyncopenai/js", "openai-js"),
    ("ai-sdk", "ai-sdk"),
    ("ai/", "ai-sdk"),
    ("ollama-python", "ollama-python"),
    ("ollama-js", "ollama-js"),
    ("ollama", "ollama"),
    ("curl", "curl"),
    ("wget", "wget"),
    ("httpie", "httpie"),
    ("postmanruntime", "postman"),
    ("insomnia", "insomnia"),
    ("python-requests", "python-requests"),
    ("python-httpx", "python-httpx"),
    ("python-urllib", "python-urllib"),
    ("axios", "axios"),
    ("node-fetch", "node"),
    ("undici", "node"),
    ("node", "node"),
    ("bun", "bun"),
    ("deno", "deno"),
    ("go-http-client", "go"),
    ("okhttp", "okhttp"),
    ("java-http-client", "java"),
    ("reqwest", "reqwest"),
)
"""(how a User-Agent begins, in lower case; who that is).  A name ends where a word does."""

INSIDE: tuple[tuple[str, str], ...] = (
    (" claude/", "claude-desktop"),
    (" cursor/", "cursor"),
    (" cherrystudio/", "cherry-studio"),
    (" code/", "vscode"),
    (" aiohttp/", "aiohttp"),  # Python/3.11 aiohttp/3.14
)
"""What tells who it is further behind: editors on Electron, and aiohttp."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def client_of(headers: Mapping[str, str]) -> str:
    """Who asks, in at most 40 characters of a-z, 0-9, `.`, `_` and `-`; "" if nothing tells it.

    `headers` finds names in whichever case they are written.
    """
    for header, begins, client in BY_HEADER:
        value = headers.get(header)
        if value is not None and value[:LONGEST_NAME].lower().startswith(begins):
            return client
    title = headers.get("X-Title", "")[:LONGEST_NAME].strip().lower()
    if title in TITLES:
        return TITLES[title]
    return client_by(headers.get("User-Agent", "")[:LONGEST_AGENT])


@lru_cache(256)
def client_by(agent: str) -> str:
    """Who has this User-Agent."""
    agent = agent.strip().lower()
    for inside, client in INSIDE:
        if inside in agent:
            return client
    if agent.startswith("mozilla/"):
        return "browser"
    for begins, client in BY_NAME:
        if agent.startswith(begins):
            following = agent[len(begins) : len(begins) + 1]
            if begins.endswith("/") or not following.isalnum():
                return client
    found = NAME.match(agent)
    return found[0][:LONGEST_NAME] if found else ""


def user_agent_of(headers: Mapping[str, str]) -> str:
    """It as it was sent, within bounds, and in characters that can be shown."""
    agent = headers.get("User-Agent", "")[:LONGEST_AGENT]
    return printable(agent).strip()
