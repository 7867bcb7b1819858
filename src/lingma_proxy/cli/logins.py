"""What `lingma-proxy login …` does.  What signs goes into files, and nowhere else."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from lingma_proxy.backends.base_url import DEFAULT, detect_base_url
from lingma_proxy.backends.disk import LARGEST, as_text, read
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.logins import Found, Logins, open_to_others
from lingma_proxy.cli.columns import columns
from lingma_proxy.cli.load import nice
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.private_file import make_private_folder, write_private
from lingma_proxy.cli.reach import simulated_if_asked
from lingma_proxy.errors import NotLoggedIn, SettingsError
from lingma_proxy.gateway import login_of, remote
from lingma_proxy.jsonio import JsonObject, dumps
from lingma_proxy.settings import Settings
from lingma_proxy.vendor.credentials import (
    REQUIRED,
    Credentials,
    masked,
    read_credential_file,
    written,
)
from lingma_proxy.vendor.lasting import CURES, date, ended, says
from lingma_proxy.vendor.places import own_login, shown

STANDARD = "-"
"""Instead of a file: standard input or output."""


def looked(settings: Settings) -> Login:
    login = login_of(settings)
    login.load()
    return login


# Show.


def showing(settings: Settings, *, as_json: bool) -> bool:
    """Whether there is a login."""
    login = looked(settings)
    others = [each for each in _every(login) if login.used is None or each.path != login.used.path]
    missing = ""
    try:
        login.current()
    except NotLoggedIn as error:
        missing = error.message
    if as_json:
        used = None if login.used is None else _as_object(login.used)
        body = {"used": used, "why": login.why, "others": [_as_object(each) for each in others]}
        click.echo(dumps(body | ({"problem": missing} if missing else {})))
    else:
        for line in _lines(login, others, time.time()):
            click.echo(line)
        if missing:
            tell(missing)
    return not missing


def _every(login: Login) -> Sequence[Found]:
    """All that were found; where one was named, all others that there are, too."""
    if not login.named:
        return login.looked
    elsewhere = Logins(login.machine, time.time).everywhere()
    named = {each.path for each in login.looked}
    return [*login.looked, *(each for each in elsewhere if each.path not in named)]


def _lines(login: Login, others: Sequence[Found], now: float) -> Iterator[str]:
    used = login.used
    if used is not None and used.credentials is not None:
        yield click.style(used.place, bold=True)
        rows = [("used because", login.why), ("ends", _end(used, now)), *_fields(used.credentials)]
        if used.written_at is not None:
            rows.append(("written", date(used.written_at)))
        yield from (f"  {line}" for line in columns(rows))
        if used.file is not None and open_to_others(used.file):
            yield f"  Others on this machine can read it: {shown(login.machine, used.file)}"
    if others:
        yield "Not used:"
        yield from (f"  {line}" for line in columns([_row(each, now) for each in others]))


def _row(found: Found, now: float) -> tuple[str, str, str]:
    if found.credentials is None:
        return found.place, "", found.problem
    return found.place, f"user {masked(found.credentials.user_id)}", _end(found, now)


def _end(found: Found, now: float) -> str:
    if found.expires_at is None:
        return "it does not say when"
    return says(found.expires_at, now)


def _fields(login: Credentials) -> list[tuple[str, str]]:
    fields = [(name, masked(getattr(login, name))) for name in REQUIRED]
    return [*fields, *([("user_type", login.user_type)] if login.user_type else [])]


def _as_object(found: Found) -> JsonObject:
    login = found.credentials
    return {
        "place": found.place,
        "kind": found.kind,
        "problem": found.problem or None,
        "expires_at": _moment(found.expires_at),
        "written_at": _moment(found.written_at),
        **(dict(_fields(login)) if login is not None else {}),
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


# Check.


async def checking(settings: Settings) -> None:
    """Raises a ProxyError that says why the login is not taken, or why nobody could tell."""
    async with simulated_if_asked(settings) as real:
        login = login_of(real)
        behind = remote(real)
        try:
            user = masked((await login.ready()).user_id)
            assert login.used is not None, "a login that is ready is from somewhere"
            click.echo(f"login   {login.used.place}, user {user}; {_end(login.used, time.time())}")
            models = await behind.backend.models()
            click.echo(f"asked   {behind.endpoint()}")
            click.echo(f"answer  Lingma takes this login, and offers {len(models)} models.")
        finally:
            await behind.aclose()
            await login.aclose()


# Export, import, forget.


def exporting(settings: Settings, file: str, *, force: bool) -> None:
    login = looked(settings)
    content = written(replace(login.current(), base_url=_address(settings, login)))
    if file == STANDARD:
        if sys.stdout.isatty() and not force:
            raise SettingsError(
                "This would show a secret on the screen. Name a file, or say --force."
            )
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        where = "What was written"
    else:
        path = Path(file).expanduser()
        write_private(path, content, replace=force)
        where = nice(path)
    assert login.used is not None, "a login that is exported is from somewhere"
    tell(
        f"{where} holds your login ({login.used.place}; {_end(login.used, time.time())}). Whoever has"
        " it can use your account: keep it like a password, and delete it where it is not needed."
    )
    tell("It does not renew itself: when it ends, export it again.")


def _address(settings: Settings, login: Login) -> str:
    """Where the login is good, if anybody here knows: another machine cannot find that out."""
    address, whence = detect_base_url(
        settings.remote_base_url, login.machine, login.runtime, login.base_url
    )
    return "" if whence == DEFAULT else address


def importing(settings: Settings, file: str, *, force: bool) -> None:
    name = "Standard input" if file == STANDARD else nice(Path(file).expanduser())
    try:
        text = (
            as_text(sys.stdin.buffer.read(LARGEST + 1))
            if file == STANDARD
            else read(Path(file).expanduser())
        )
        credentials = read_credential_file(text)
    except ValueError as error:
        # Not `from` it: what could not be read might be quoted there.
        raise SettingsError(f"{name} cannot be imported: {error}.") from None
    now = time.time()
    expires_at = credentials.expires_at and credentials.expires_at / 1000
    if expires_at is not None and ended(expires_at, now) and not force:
        raise SettingsError(
            f"The login in {name} is of no use: {says(expires_at, now)}. {CURES['imported']}"
        )
    login = login_of(settings)
    target = Path(own_login(login.machine))
    make_private_folder(target.parent)
    write_private(target, written(credentials), replace=True)
    ends = f", {says(expires_at, now)}" if expires_at else ""
    click.echo(f"Imported: user {masked(credentials.user_id)}{ends}. It is kept in {nice(target)}.")
    login.load()
    if login.used is not None and login.used.path == target:
        click.echo(
            "`lingma-proxy serve` uses it from now on; `lingma-proxy login forget` undoes it."
        )
    else:
        used = "none" if login.used is None else f"that of {login.used.place}"
        tell(
            f"But the login in use is {used}: {login.why}. For the imported one: --login {nice(target)}"
        )


def forgetting(settings: Settings) -> None:
    login = login_of(settings)
    target = Path(own_login(login.machine))
    try:
        target.unlink()
    except FileNotFoundError:
        click.echo("There is no imported login.")
    except OSError as error:
        raise SettingsError(f"{nice(target)} cannot be removed: {error.strerror}.") from error
    else:
        click.echo("The imported login is removed.")
    login.load()
    if login.used is not None:
        click.echo(f"The login in use is that of {login.used.place}.")
    else:
        tell("Now there is none: log in to Lingma (or Qoder CN) in your IDE, or import another.")
