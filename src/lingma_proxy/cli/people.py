"""What is said to people: to standard error where standard output is for the result."""

import click

from lingma_proxy.settings import Resolved


def tell(text: str = "") -> None:
    click.echo(text, err=True)


def tell_notices(resolved: Resolved) -> None:
    for notice in resolved.notices:
        tell(f"{click.style('note:', fg='yellow')} {notice}")
