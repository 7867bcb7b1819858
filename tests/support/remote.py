"""The remote backend with a made-up login, in front of any server."""

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lingma_proxy.backends.answer import Timeouts
from lingma_proxy.backends.base_url import BaseUrl
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.remote import Remote
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.vendor.places import Machine
from support.login import write_cache

PATIENT = Timeouts(connect=5, first_byte=30)


def machine(home: Path, **environment: str) -> Machine:
    return Machine("linux", home, environment)


def loaded(home: Path, choice: str = "auto", **more) -> Login:
    """The login that there is in a home, looked for at once."""
    environment = more.pop("environment", {})
    login = Login(choice, machine=machine(home, **environment), **more)
    login.load()
    return login


def message_of(login: Login) -> str:
    """What is said while there is none."""
    with pytest.raises(NotLoggedIn) as raised:
        login.current()
    return raised.value.message


@asynccontextmanager
async def remote(url: str, home: Path, timeouts: Timeouts = PATIENT, **more):
    """A `Remote` whose login lies in `home`, and its login."""
    if not (home / ".lingma").exists():
        write_cache(home / ".lingma")
    login = Login(machine=machine(home), fresh=3600)  # what changed is seen by its refusal
    backend = Remote(login, BaseUrl(url, login), timeouts, **more)
    try:
        yield backend
    finally:
        await backend.aclose()
        await login.aclose()
