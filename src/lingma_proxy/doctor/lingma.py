"""Who answers, Lingma before all: the address answers, the clocks agree, models are listed, one speaks."""

import time
from collections.abc import Callable
from contextlib import aclosing
from email.utils import parsedate_to_datetime
from uuid import uuid4

import aiohttp

from lingma_proxy.backend import Backend
from lingma_proxy.conversation.events import PartDelta, ReplyStarted
from lingma_proxy.conversation.request import ChatRequest, Message, Text
from lingma_proxy.doctor.finding import Finding, ok, problem, warning
from lingma_proxy.settings.kinds import Url

TOLERABLE = 60.0
"""Seconds between the clocks.  How many the vendor tolerates is not known; the signature
of each request carries the time."""


async def check_address(
    base_url: str,
    whence: str,
    proxy: str,
    clock: Callable[[], float] = time.time,
) -> list[Finding]:
    """Whether somebody answers at the base URL, and whether their clock agrees with ours."""
    shown = f"{Url().show(base_url)} ({whence})"
    started = time.perf_counter()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.head(base_url, proxy=proxy or None, allow_redirects=False) as answer,
        ):
            took = (time.perf_counter() - started) * 1000
            date = answer.headers.get("Date", "")
    except aiohttp.ClientSSLError:
        return [
            problem(
                "address",
                f"{shown} cannot prove who it is (TLS)",
                "A proxy that opens TLS needs its certificate in the system's store; check the "
                "clock, too.",
            )
        ]
    except (aiohttp.ClientError, OSError) as error:
        return [
            problem(
                "address",
                f"{shown} cannot be reached ({type(error).__name__})",
                "Check the network, remote_base_url and remote_proxy_url.",
            )
        ]
    return [ok("address", f"{shown} answers in {took:.0f} ms"), _clock(date, clock())]


def _clock(date: str, now: float) -> Finding:
    try:
        apart = now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return warning("clock", "Lingma does not say what time it is")
    if abs(apart) <= TOLERABLE:
        return ok("clock", "agrees with Lingma's")
    direction = "ahead of" if apart > 0 else "behind"
    return problem(
        "clock",
        f"{abs(apart):.0f} s {direction} Lingma's; signed requests may be refused",
        "Set this machine's clock, best by NTP.",
    )


async def check_models(backend: Backend, *, needed: bool = True) -> list[Finding]:
    """The models; an agent may list none (then they are not `needed`)."""
    names = [model.name for model in await backend.models() if model.enabled]
    if not names and not needed:
        return [ok("models", "it lists none, and answers with its own")]
    if not names:
        return [problem("models", "the account has none", "See in the IDE what the account may.")]
    some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return [ok("models", f"{len(names)}: {some}")]


async def check_answer(backend: Backend, model: str) -> list[Finding]:
    """One question, up to the first text of its answer."""
    question = ChatRequest(
        id=uuid4().hex,
        model=model,
        messages=(Message("user", (Text("Say hello in one word."),)),),
    )
    began = time.perf_counter()
    who, notices = model, ""
    async with aclosing(backend.reply(question)) as batches:
        async for batch in batches:
            for event in batch:
                if isinstance(event, ReplyStarted):
                    who, notices = event.model, " ".join(event.warnings)
            if any(isinstance(event, PartDelta) and event.text for event in batch):
                spoke = f"began to speak after {time.perf_counter() - began:.1f} s"
                if notices and who != model:
                    return [warning("answer", f"{who} {spoke}, in the stead of {model}", notices)]
                return [ok("answer", f"{model or 'it'} {spoke}")]
    return [
        problem(
            "answer",
            f"{model or 'it'} said nothing",
            "Try another model: --model, or `lingma-proxy ask`.",
        )
    ]
