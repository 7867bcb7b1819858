"""A finding: what was looked at, how it is, what was found, and the cure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from lingma_proxy.errors import ProxyError


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    about: str
    """One or two words: login, port, clock."""
    level: Level
    found: str
    """A sentence without secrets."""
    cure: str = ""
    """What to do about it; empty where nothing need be done."""


Check: TypeAlias = Callable[[], Awaitable[Sequence[Finding]]]


def ok(about: str, found: str) -> Finding:
    return Finding(about, Level.OK, found)


def warning(about: str, found: str, cure: str = "") -> Finding:
    return Finding(about, Level.WARNING, found, cure)


def problem(about: str, found: str, cure: str) -> Finding:
    return Finding(about, Level.PROBLEM, found, cure)


async def examine(
    checks: Iterable[tuple[str, Check]], *, patience: float
) -> AsyncIterator[Finding]:
    """The findings of all checks, one check after the other, each within `patience` seconds.

    A check that fails is a finding too: one that breaks must not hide the others.
    """
    for about, check in checks:
        try:
            findings = await asyncio.wait_for(check(), patience)
        except TimeoutError:
            findings = [
                problem(
                    about,
                    f"no answer within {patience:g} seconds",
                    "Look at the network, and at the setting remote_proxy_url.",
                )
            ]
        except ProxyError as error:
            findings = [problem(about, error.message, "")]
        except Exception as error:  # noqa: BLE001 — it is told, as a fault of the check
            findings = [
                warning(about, f"this check itself failed: {type(error).__name__}", "Report it.")
            ]
        for finding in findings:
            yield finding
