"""Run real clients against `lingma-proxy serve` with the simulator behind it.

    python -m clients.run [CLIENT …]     all of them, or some: openai-py anthropic-py ollama-py
                                         openai-js anthropic-js ollama-js claude-code codex

Each client is installed on first use (PyPI: into this environment's test group; npm: into
CLIENTS_DIR, by default the user's cache folder) and runs with an empty home and a clean
environment.  As root it also runs in a network namespace that has only loopback, so it
can reach nothing else (JAIL=0 switches that off).  Exit status 0 if all passed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from support import npm
from support.process import served

HERE = Path(__file__).parent
MODEL = "kmodel"
CHAT_PROMPT = "Reply with exactly one word, in capital letters and without punctuation: pong"
TOOL_PROMPT = (
    "TOOLTEST: use your shell tool (or, lacking one, your file-read tool on hello.txt) to run"
    " exactly this command: echo hello-from-tool  Then answer with the word DONE: followed by"
    " the output of the tool."
)
MODES = ("chat", "stream", "tool")


@dataclass(frozen=True)
class Client:
    name: str
    packages: tuple[str, ...] = ()
    """From npm; the first is also the folder they are kept in."""

    def command(self, mode: str, installed: Path, model: str) -> list[str]:
        match self.name:
            case "openai-py":
                return [sys.executable, str(HERE / "openai_sdk.py"), mode]
            case "anthropic-py":
                return [sys.executable, str(HERE / "anthropic_sdk.py"), mode]
            case "ollama-py":
                return [sys.executable, str(HERE / "ollama_sdk.py"), mode]
            case "ollama-js":
                return ["node", str(installed / "ollama_sdk.mjs"), mode]
            case "openai-js":
                return ["node", str(installed / "openai_sdk.mjs"), mode]
            case "anthropic-js":
                return ["node", str(installed / "anthropic_sdk.mjs"), mode]
            case "codex":
                codex = str(installed / "node_modules" / ".bin" / "codex")
                asked = [codex, "exec", "--skip-git-repo-check", "--color", "never"]
                return {
                    "chat": [*asked, "-s", "read-only", CHAT_PROMPT],
                    "stream": [*asked, "-s", "read-only", "--json", CHAT_PROMPT],
                    "tool": [*asked, "-s", "danger-full-access", TOOL_PROMPT],
                }[mode]
        claude = str(installed / "node_modules" / ".bin" / "claude")
        asked = [claude, "-p", "--model", model]
        match mode:
            case "chat":
                return [*asked, CHAT_PROMPT]
            case "stream":
                partial = ["--output-format", "stream-json", "--include-partial-messages"]
                return [*asked, *partial, "--verbose", CHAT_PROMPT]
            case _:
                return [*asked, "--allowedTools", "Bash", "Read", "--", TOOL_PROMPT]

    def wanted(self, mode: str) -> str:
        """A pattern that the output of a success has."""
        said = {"claude-code": r'"result":"PONG', "codex": '"text":"PONG'}.get(self.name)
        if said is None:
            return "ALL-OK"
        return {"chat": "PONG", "stream": said, "tool": "DONE:.*hello-from-tool"}[mode]

    def settle(self, home: Path, url: str, model: str) -> None:
        """Write what can only be said in a file of its own."""
        if self.name == "codex":
            (home / ".codex").mkdir()
            (home / ".codex" / "config.toml").write_text(CODEX.format(url=url, model=model))


CODEX = """\
model = "{model}"
model_provider = "local"
check_for_update_on_startup = false
approval_policy = "never"
[model_providers.local]
name = "local"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[analytics]
enabled = false
[otel]
exporter = "none"
[features]
apps = false
plugins = false
"""

CLIENTS = (
    Client("openai-py"),
    Client("anthropic-py"),
    Client("ollama-py"),
    Client("openai-js", ("openai", "zod")),
    Client("anthropic-js", ("@anthropic-ai/sdk", "zod")),
    Client("ollama-js", ("ollama",)),
    Client("claude-code", ("@anthropic-ai/claude-code@2.1.197",)),
    Client("codex", ("@openai/codex@0.169.0",)),
)
PATIENCE = 900.0
"""Seconds for npm; these are large."""


def install(client: Client, patience: float = PATIENCE) -> Path:
    """Where it is then.  Raises `npm.Unavailable`."""
    if not client.packages:
        return HERE
    if client.name != "claude-code":  # which brings its own
        npm.node(20, patience=patience)
    folder = npm.install(client.name, *client.packages, patience=patience)
    for program in HERE.glob("*.mjs"):  # node looks for packages beside the program
        shutil.copy(program, folder)
    return folder


def nodes() -> Path:
    """Where the system's Node is, wherever that may be."""
    return Path(shutil.which("node") or "/usr/bin/node").parent


def jailed() -> bool:
    return os.environ.get("JAIL") != "0" and sys.platform == "linux" and os.geteuid() == 0


def run(
    client: Client,
    mode: str,
    url: str,
    installed: Path,
    *,
    jail: bool,
    wish: str = "",
    model: str = MODEL,
) -> tuple[bool, str]:
    """Whether the client got what it should, and what it said.

    `wish` goes before its prompts: a line by which the simulator is told how to answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        home, work = Path(folder) / "home", Path(folder) / "work"
        home.mkdir()
        work.mkdir()
        client.settle(home, url, model)
        (work / "hello.txt").write_text("hello-from-tool\n")
        environment = {
            "HOME": str(home),
            "PATH": f"{npm.programs(npm.cache() / 'node')}:{nodes()}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "BASE_URL": url,
            "MODEL": model,
            "CHAT_PROMPT": wish + CHAT_PROMPT,
            "TOOL_PROMPT": wish + TOOL_PROMPT,
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "sk-any",
            "OPENAI_API_KEY": "sk-any",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        command = client.command(mode, installed, model)
        if jail:
            command = [sys.executable, str(HERE / "jail.py"), url.rpartition(":")[2], *command]
        try:
            done = subprocess.run(
                command,
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=180,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return False, f"no end after 180 s\n{error.output}"
    passed = re.search(client.wanted(mode), done.stdout) is not None
    return passed and done.returncode == 0, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [client.name for client in CLIENTS]
    parser.add_argument("clients", nargs="*", choices=[*names, []], metavar="CLIENT")
    chosen = parser.parse_args().clients or names
    failed = 0
    # Nobody reads what it logs, so it had better not: a full pipe would stop it.
    with (
        tempfile.TemporaryDirectory() as home,
        served(home, "--backend", "simulator", "--log-level", "error") as (_, url),
    ):
        for client in (client for client in CLIENTS if client.name in chosen):
            try:
                installed = install(client)
            except npm.Unavailable as reason:
                failed += 1
                print(f"FAIL {client.name}: {reason}", flush=True)
                continue
            for mode in MODES:
                began = time.monotonic()
                passed, output = run(client, mode, url, installed, jail=jailed())
                failed += not passed
                print(
                    f"{'ok  ' if passed else 'FAIL'} {client.name} {mode} ({time.monotonic() - began:.1f} s)",
                    flush=True,
                )
                if not passed:
                    print(output[-3000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
