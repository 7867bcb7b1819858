"""What `serve` says when it is ready: what it is, who answers, how clients get to it."""

import textwrap
from collections.abc import Iterator, Sequence

import click

from lingma_proxy import __version__
from lingma_proxy.gateway import Behind
from lingma_proxy.settings import Origin, Settings
from lingma_proxy.vendor.acp_messages import keeps_its_tools

WHO = {
    "remote": "Lingma, with {}",
    "ipc": "the plugin on this machine: {}",
    "acp": "an agent on this machine: {}",
}
TOOLS = "It may use tools of its own without asking anybody: see docs/security.md."
NOBODY = (
    "No Lingma login was found, no Lingma or Qoder CN is open, and no agent is installed. For"
    " answers from a model, log in to Lingma (or Qoder CN) in your IDE, and start again."
)
WIDTH = 69
"""Columns beside the words on the left, in a terminal of 80."""


def greeting(url: str, settings: Settings, behind: Behind, key: Origin) -> Iterator[str]:
    """`key` is where the key comes from."""
    yield click.style(f"Lingma Proxy {__version__} listens on {url}", bold=True)
    stressed, texts = _answers(settings, behind)
    lines = [_wrapped(text) for text in texts]
    for at, line in enumerate(line for text in lines for line in text):
        shown = click.style(line, fg="yellow") if stressed and at < len(lines[0]) else line
        yield f"  {'answers' if at == 0 else '':7}  {shown}"
    yield f"  OpenAI   OPENAI_BASE_URL={url}/v1"
    yield f"  Claude   ANTHROPIC_BASE_URL={url}"
    yield f"  Ollama   OLLAMA_HOST={url}"
    if settings.api_key:
        yield f"  key      the one from {key}"
    else:
        yield "  key      none is needed: clients that insist on one may send anything"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _answers(settings: Settings, behind: Behind) -> tuple[bool, Sequence[str]]:
    """Who answers and why, a paragraph each, and whether the first wants to be noticed."""
    name, presence, reason = behind.name(), behind.presence(), behind.reason()
    if name == "simulator":
        what = "made up by the built-in simulator; nothing leaves this machine"
        return True, (what, NOBODY) if settings.simulate_without_login else (what,)
    why = f"Backend {name}: {reason[:1].lower()}{reason[1:]}"
    if not presence.found:
        status = 401 if name == "remote" else 503
        return True, (
            f"nobody yet: requests get {status}",
            behind.hurdle(),
            why,
            "To try a client out without a login: --backend simulator",
        )
    chosen = (why,) if settings.backend == "auto" else ()
    tools = (TOOLS,) if name == "acp" and keeps_its_tools(settings.acp_command) else ()
    return False, (WHO[name].format(presence.says), *chosen, *tools)
