"""A check-up on the screen, finding by finding, or as JSON at its end."""

import os
from contextlib import aclosing
from dataclasses import asdict

import click

from lingma_proxy.cli.findings import lines, verdict
from lingma_proxy.cli.reach import simulated_if_asked
from lingma_proxy.doctor.checkup import checkup
from lingma_proxy.doctor.finding import Level
from lingma_proxy.jsonio import dumps
from lingma_proxy.settings import Resolved


async def examining(resolved: Resolved, *, patience: float, as_json: bool) -> bool:
    """Whether there is no problem."""
    found = []
    async with (
        simulated_if_asked(resolved.settings) as settings,
        aclosing(checkup(resolved, settings, os.environ, patience=patience)) as findings,
    ):
        async for finding in findings:
            found.append(finding)
            if not as_json:
                for line in lines(finding):
                    click.echo(line)
    levels = [finding.level for finding in found]
    if as_json:
        click.echo(dumps([asdict(finding) for finding in found]))
    else:
        click.echo("\n" + verdict(levels))
    return Level.PROBLEM not in levels
