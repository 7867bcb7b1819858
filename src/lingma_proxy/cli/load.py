"""Find the settings file, read it, and resolve the settings of this run."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import (
    CONFIG_VARIABLE,
    FileContent,
    Origin,
    Resolved,
    Settings,
    resolve,
)
from lingma_proxy.settings.kinds import Secret

RANK = ("default", "file", "environment", "flag")
LOGIN = ("login", "remote_auth_file", "cache_dir")
"""Settings that say which login to use; of those that were set as near, the first counts."""
UNSET: Mapping[str, Any] = {"login": "auto", "remote_auth_file": "", "cache_dir": ""}


def load(
    config: str | None,
    flags: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """The settings of this run, with the key read from its file, where it has one."""
    environment = os.environ if environment is None else environment
    path, others = _find(config, environment)
    file = None if path is None else FileContent(nice(path), _read(path))
    resolved = resolve(file, environment, flags)
    notices = list(resolved.notices)
    if others:
        names = ", ".join(nice(other) for other in others)
        notices.append(f"{names} is not read: {file and file.name} comes first.")
    if path and resolved.origins["api_key"].kind == "file" and _others_can_read(path):
        notices.append(f"{nice(path)} holds the key, and others can read it: chmod 600.")
    return _with_key(_with_one_login(replace(resolved, notices=tuple(notices))))


def watched(
    config: str | None, settings: Settings, environment: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """The files on which the settings depend, whether they are there or not."""
    environment = os.environ if environment is None else environment
    named = _named(config, environment)
    files = list(_places()) if named is None else [named]
    if settings.api_key_file:
        files.append(Path(settings.api_key_file).expanduser())
    return tuple(files)


def nice(path: Path) -> str:
    """The path as people write it: ~ for their home."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):  # not below it; nobody knows where it is
        return str(path)


def _named(config: str | None, environment: Mapping[str, str]) -> Path | None:
    """The file that somebody has named; None: it is to be looked for."""
    named = config if config is not None else environment.get(CONFIG_VARIABLE, "")
    return Path(named).expanduser() if named or config is not None else None


def _find(config: str | None, environment: Mapping[str, str]) -> tuple[Path | None, list[Path]]:
    """The file to read, and those that would have been next."""
    if (named := _named(config, environment)) is not None:
        return named, []
    there = [path for path in _places() if path.is_file()]
    return (there[0], there[1:]) if there else (None, [])


def _places() -> Iterator[Path]:
    import platformdirs  # noqa: PLC0415 — 20 ms that `--help` need not wait for

    yield Path("lingma-proxy.json")
    yield Path("lingma-ipc-proxy.json")
    own = platformdirs.user_config_path("lingma-proxy", appauthor=False) / "config.json"
    yield own
    try:
        home = Path.home()
    except RuntimeError:  # nobody knows where it is
        return
    usual = home / ".config" / "lingma-proxy" / "config.json"
    if usual != own:
        yield usual
    yield home / ".config" / "lingma-ipc-proxy" / "config.json"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{nice(path)} is not UTF-8 text: see line {line}.") from None
    except OSError as error:
        raise SettingsError(f"{nice(path)} cannot be read: {error.strerror}.") from None


def _with_key(resolved: Resolved) -> Resolved:
    """`api_key` from `api_key_file`, unless the key itself was set as near or nearer."""
    settings, origins = resolved.settings, resolved.origins
    if not settings.api_key_file:
        return resolved
    key, file = origins["api_key"], origins["api_key_file"]
    if RANK.index(key.kind) >= RANK.index(file.kind):
        notice = f"api_key_file ({file}) is not read: api_key is set ({key})."
        return replace(resolved, notices=(*resolved.notices, notice))
    path = Path(settings.api_key_file).expanduser()
    try:
        text = Secret().of_text(_read(path).strip())
    except ValueError as error:
        raise SettingsError(f"The key in {nice(path)} is not usable; {error}.") from None
    if not text:
        raise SettingsError(f"{nice(path)} holds no key; put one in it, or unset api_key_file.")
    notices = resolved.notices
    if _others_can_read(path):
        notices = (*notices, f"{nice(path)} can be read by others: chmod 600.")
    return replace(
        resolved,
        settings=replace(settings, api_key=text),
        origins={**origins, "api_key": Origin(file.kind, nice(path))},
        notices=notices,
    )


def _with_one_login(resolved: Resolved) -> Resolved:
    """Of the settings that name a login, the one that was set nearest; the others unset."""
    values = {name: getattr(resolved.settings, name) for name in LOGIN}
    origins = resolved.origins
    said = [name for name in LOGIN if values[name] != UNSET[name] or origins[name].kind == "flag"]
    if len(said) < 2:
        return resolved
    counts = max(said, key=lambda name: RANK.index(origins[name].kind))
    others = [name for name in said if name != counts]
    notices = tuple(
        f"{name} ({origins[name]}) has no effect: {counts} is set ({origins[counts]})."
        for name in others
        if values[name] != UNSET[name]
    )
    return replace(
        resolved,
        settings=replace(resolved.settings, **{name: UNSET[name] for name in others}),
        notices=(*resolved.notices, *notices),
    )


def _others_can_read(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
