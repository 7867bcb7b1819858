"""What real clients were seen to send (captures, documentation), and what nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from lingma_proxy.server.clients import (
    BY_NAME,
    LONGEST_AGENT,
    LONGEST_NAME,
    NAME,
    client_by,
    client_of,
    user_agent_of,
)

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/150.0.0.0 Safari/537.36"
)
AGENTS = {
    "claude-cli/2.1.330 (external, cli)": "claude-code",
    "claude-cli/2.1.330 (external, sdk-cli)": "claude-code",
    "codex_cli_rs/0.50.0 (Linux 6.1; x86_64) xterm": "codex",
    "codex_exec/0.50.0 (Debian 12; x86_64) unknown": "codex",
    "codex-tui/0.160.0": "codex",
    "Cline/3.20.0": "cline",
    "RooCode/3.25.0": "roo",
    "Kilo-Code/4.1.0": "kilo-code",
    "opencode/1.0.1": "opencode",
    "Zed/0.200.0 (linux; x86_64)": "zed",
    "aider/0.86": "aider",
    "Continue/1.2.0": "continue",
    "GeminiCLI/0.2.0/gemini-2.5-pro (linux; x64)": "gemini-cli",
    "QwenCode/0.1.0 (linux; x64)": "qwen-code",
    "GitHubCopilotChat/0.30.0": "copilot",
    "OpenAI/Python 3.54.0": "openai-python",
    "AsyncOpenAI/Python 3.54.0": "openai-python",
    "OpenAI/JS 7.57.0": "openai-js",
    "Anthropic/Python 2.12.0": "anthropic-python",
    "AsyncAnthropic/Python 2.12.0": "anthropic-python",
    "Anthropic/JS 1.12.0": "anthropic-js",
    "ai/5.0.0 ai-sdk/provider-utils/3.0.0 runtime/node.js/22": "ai-sdk",
    "ai-sdk/openai-compatible/1.0.0": "ai-sdk",
    "ollama-js/0.6.4 (x64 linux Node.js/v24.21.0)": "ollama-js",
    "ollama-python/0.6.3 (x86_64 linux) Python/3.11.7": "ollama-python",
    "ollama/0.12.0 (amd64 linux) Go/go1.25": "ollama",
    "curl/8.5.0": "curl",
    "python-requests/2.32": "python-requests",
    "python-httpx/0.28": "python-httpx",
    "Python/3.11 aiohttp/3.14.0": "aiohttp",
    "Go-http-client/1.1": "go",
    "node": "node",
    "lingma-proxy/2.0 (ask)": "lingma-proxy",
    BROWSER: "browser",
    f"{BROWSER} Cursor/1.5.0": "cursor",
    f"{BROWSER} CherryStudio/1.5": "cherry-studio",
    "Somebody-Elses.Tool/7 (x)": "somebody-elses.tool",
    "zedtool/1": "zedtool",
    "x" * 300: "x" * LONGEST_NAME,
    "": "",
    "/": "",
    "\x1b[31m": "",
}


@pytest.mark.parametrize(("agent", "client"), AGENTS.items(), ids=lambda value: value[:30])
def test_a_client_is_known_by_its_user_agent(agent, client):
    assert client_of({"User-Agent": agent}) == client


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"X-App": "cli", "User-Agent": "Anthropic/JS 1.12.0"}, "claude-code"),
        ({"x-claude-code-session-id": "257dc721"}, "claude-code"),
        ({"originator": "codex_cli_rs"}, "codex"),
        ({"originator": "codex_vscode", "User-Agent": "unheard/1"}, "codex"),
        ({"originator": "somebody", "User-Agent": "curl/8"}, "curl"),
        ({"X-Title": "Cline", "User-Agent": "OpenAI/JS 7.57.0"}, "cline"),
        ({"X-Title": "Roo Code", "User-Agent": "OpenAI/JS 7.57.0"}, "roo"),
        ({"X-Title": "My private notes", "User-Agent": "OpenAI/JS 7.57.0"}, "openai-js"),
        ({}, ""),
    ],
    ids=str,
)
def test_headers_of_their_own_tell_more(headers, client):
    assert client_of(CIMultiDict(headers)) == client


@given(st.text(), st.text(), st.text())
def test_whatever_is_sent_a_client_is_a_short_plain_word(agent, title, originator):
    client = client_of({"User-Agent": agent, "X-Title": title, "originator": originator})

    assert client == "" or NAME.fullmatch(client)
    assert len(client) <= LONGEST_NAME


@given(st.text())
def test_a_user_agent_can_be_shown(agent):
    shown = user_agent_of({"User-Agent": agent})

    assert len(shown) <= LONGEST_AGENT
    assert shown.isprintable()


def test_each_line_of_the_table_is_reached():
    assert [client_by(begins) for begins, _ in BY_NAME] == [client for _, client in BY_NAME]
