"""The agents on this machine: which are installed, which is used, and how one logs in there."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import PurePath

from lingma_proxy.doctor.finding import Finding, ok, problem, warning
from lingma_proxy.vendor.acp_messages import PRESETS

TOOLS = "See docs/security.md: it may use tools of its own without asking anybody."


async def check_agent(
    command: Sequence[str],
    installed: Sequence[str],
    *,
    needed: bool,
    tools: bool = False,
    which: Callable[[str], str | None] = shutil.which,
) -> list[Finding]:
    """`command` is that of the agent in use, () for none; `installed` are known ones by name.

    `tools` says whether it keeps tools of its own.
    """
    known = f"installed: {', '.join(installed)}" if installed else "none that is known is installed"
    if not command:
        return [ok("agent", f"{known} (known are {', '.join(PRESETS)})")]
    program = PurePath(command[0]).name  # its folder is nobody's business
    if await asyncio.to_thread(which, command[0]) is not None:
        shown = " ".join((program, *command[1:2]))
        if needed and tools:
            return [warning("agent", f"`{shown}` is used; {known}", TOOLS)]
        if needed:
            return [ok("agent", f"`{shown}` is used, without tools of its own; {known}")]
        return [ok("agent", f"`{shown}` could answer; {known}")]
    missing = f"there is no program {program}; {known}"
    if needed:
        return [
            problem("agent", missing, "Install it, or set acp_command to an agent that is there.")
        ]
    return [ok("agent", missing)]


async def check_login_methods(methods: Callable[[], Sequence[str]]) -> list[Finding]:
    """What the agent itself says of how one logs in; nothing where it says nothing."""
    return [ok("agent", f"one logs in there so: {method}") for method in methods()]
