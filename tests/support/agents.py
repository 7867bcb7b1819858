"""Agents that other people wrote, behind `--backend acp`, with a server of ours as their provider.

    client ─▶ serve --backend acp ─▶ the agent ─▶ serve --backend simulator

They get a home of their own, and are told to leave everything but their provider alone: no
updates, no statistics, no packages; and to ask it nothing but what they are asked.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import npm
from support.process import Program, served

NOWHERE = "http://127.0.0.1:9"
"""The port of a service that nobody runs any more."""

Variables = dict[str, str]


@dataclass(frozen=True)
class Agent:
    name: str
    """What `--acp-command` calls it: one of our presets."""
    package: str
    model: str
    """Its name for the provider's kmodel."""
    settle: Callable[[Path, str], Variables]
    """Given its home and its provider: writes its settings, returns its variables."""
    node: int = 0
    """The oldest Node that it works with; 0 if it brings its own."""

    def install(self, patience: float) -> str:
        """The PATH with which it is found.  Raises `npm.Unavailable`."""
        places = [npm.programs(npm.install(self.name, self.package, patience=patience))]
        if self.node:
            places.append(npm.node(self.node, patience=patience))
        return os.pathsep.join([*map(str, places), os.environ["PATH"]])


def settle_qwen_code(home: Path, provider: str) -> Variables:
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
        "telemetry": {"enabled": False},
        # When it has answered, it would ask what to remember of that, and what may come next.
        "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False},
        "ui": {"enableFollowupSuggestions": False},
    }
    (home / ".qwen").mkdir()
    (home / ".qwen" / "settings.json").write_text(json.dumps(settings))
    return {
        "OPENAI_API_KEY": "sk-any",
        "OPENAI_BASE_URL": f"{provider}/v1",
        "OPENAI_MODEL": "kmodel",
        "QWEN_TELEMETRY_ENABLED": "0",
        "QWEN_DISABLE_AUTO_TITLE": "1",
    }


def settle_opencode(home: Path, provider: str) -> Variables:
    ours = {
        "npm": "@ai-sdk/openai-compatible",  # which is built in
        "name": "Ours",
        "options": {"baseURL": f"{provider}/v1", "apiKey": "sk-any"},
        "models": {"kmodel": {"name": "kmodel"}},
    }
    config = {
        "autoupdate": False,
        "share": "disabled",
        "enabled_providers": ["ours"],
        "model": "ours/kmodel",
        "small_model": "ours/kmodel",
        "provider": {"ours": ours},
        # Before it answers, it would ask for a title with the same text.
        "agent": {"title": {"disable": True}},
    }
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps(config),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        # It fetches a package for plugins, even if there are none.
        "npm_config_registry": NOWHERE,
    }


QWEN_CODE = Agent("qwen-code", "@qwen-code/qwen-code@0.24.4", "kmodel", settle_qwen_code, node=22)
OPENCODE = Agent("opencode", "opencode-ai@1.18.33", "Ours/kmodel", settle_opencode)


@dataclass(frozen=True)
class Stage:
    agent: Agent
    program: Program
    """Our server in front of the agent."""
    url: str
    provider: str
    """The URL of our server behind it."""


@contextmanager
def staged(agent: Agent, path: str, *words: str) -> Iterator[Stage]:
    """Both servers.  `path` is from `Agent.install`; `words` go to the one in front."""
    # Not pytest's folder: they make sockets, whose paths have to be short.
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        # Nobody reads what they log, so they had better not: a full pipe would stop them.
        behind = ("--backend", "simulator", "--log-level", "error")
        ahead = ("--backend", "acp", "--acp-command", agent.name, "--log-level", "error")
        with served(folder, *behind) as (_, provider):
            variables = {"PATH": path, "TMPDIR": folder, **agent.settle(home, provider)}
            with served(home, *ahead, *words, **variables) as (program, url):
                yield Stage(agent, program, url, provider)
