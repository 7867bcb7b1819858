"""Where each value comes from: defaults < the file < the environment < flags."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from lingma_proxy.errors import SettingsError
from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.kinds import CommandOrAddress, Secret, Url
from lingma_proxy.settings.setting import Setting
from lingma_proxy.settings.table import TABLE, Settings

CONFIG_VARIABLE = "LINGMA_PROXY_CONFIG"
"""Names the settings file itself, and so is no setting in it."""


@dataclass(frozen=True)
class FileContent:
    """A settings file that somebody has read."""

    name: str
    """As people know it: it stands in messages."""
    text: str


@dataclass(frozen=True)
class Origin:
    """Where a value comes from."""

    kind: Literal["default", "file", "environment", "flag"]
    name: str = ""
    """The file, the variable or the flag."""

    def __str__(self) -> str:
        return self.name or self.kind


DEFAULT = Origin("default")


@dataclass(frozen=True)
class Resolved:
    settings: Settings
    origins: Mapping[str, Origin]
    """For each setting's name."""
    notices: tuple[str, ...] = ()
    """What is no error, but worth a line on the screen."""


@dataclass(frozen=True)
class _Found:
    """One value that somebody has set."""

    setting: Setting
    origin: Origin
    where: str
    """For messages: `"port" in lingma-proxy.json`, `LINGMA_PROXY_PORT`, `--port`."""
    raw: Any
    """JSON from the file, text otherwise."""

    def value(self) -> Any:
        kind = self.setting.kind
        try:
            if self.origin.kind == "file":
                return kind.of_json(self.raw)
            return kind.of_text(self.raw)
        except ValueError as error:
            # Where a URL is wrong nobody knows where its password ends.
            password = isinstance(kind, Url | CommandOrAddress) and "@" in str(self.raw)
            secret = isinstance(kind, Secret) or password
            shown = "not usable" if secret else json.dumps(self.raw, ensure_ascii=False)
            if len(shown) > 100:
                shown = shown[:99] + "…"
            raise SettingsError(f"{self.where} is {shown}; {error}.") from None


def resolve(
    file: FileContent | None, environment: Mapping[str, str], flags: Mapping[str, str]
) -> Resolved:
    """The settings of this run.

    `flags` has the texts of the flags that were given, by the setting's name.  Raises
    SettingsError with one sentence that names the culprit, and says what is allowed.
    """
    notices: list[str] = []
    found = [
        *(_in_file(file, notices) if file else ()),
        *_in_environment(environment, notices),
        *_in_flags(flags),
    ]
    values: dict[str, Any] = {}
    origins = dict.fromkeys((setting.name for setting in TABLE), DEFAULT)
    inert: dict[str, list[str]] = {}
    for each in found:
        value = each.value()
        if each.setting in INERT:
            place = f" ({each.origin})" if each.origin.kind == "file" else ""
            name = f'"{each.setting.name}"' if place else str(each.origin)
            inert.setdefault(place, []).append(name)
        else:
            values[each.setting.name] = value
            origins[each.setting.name] = each.origin
    for place, names in inert.items():
        verb = "has" if len(names) == 1 else "have"
        notices.append(f"{', '.join(names)} {verb} no effect in this version{place}.")
    return Resolved(Settings(**values), MappingProxyType(origins), tuple(notices))


def _in_file(file: FileContent, notices: list[str]) -> Iterator[_Found]:
    known = {setting.name: setting for setting in (*TABLE, *INERT) if setting.in_file}
    for key, raw in _parse(file, notices).items():
        # The incumbent reads keys whatever their case; - for _ is an easy slip.
        setting = known.get(key.lower().replace("-", "_"))
        if setting is None:
            notices.append(f'"{key}" in {file.name} is no setting{_meant(key, known)}')
        elif raw is not None:  # null says as much as leaving it out
            where = f'"{key}" in {file.name}'
            yield _Found(setting, Origin("file", file.name), where, raw)


def _parse(file: FileContent, notices: list[str]) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(pairs)
        if len(unique) < len(pairs):
            names = [name for name, _ in pairs]
            twice = ", ".join(f'"{name}"' for name in unique if names.count(name) > 1)
            notices.append(f"{twice} stands in {file.name} more than once; the last counts.")
        return unique

    def no_number(word: str) -> Any:
        raise SettingsError(f"{file.name} is not JSON: {word} is no number.")

    # A byte order mark is what some editors of Windows leave behind.
    text = file.text.removeprefix("\ufeff")
    if not text.strip():
        raise SettingsError(f"{file.name} is empty; put {{}} in it, or remove it.")
    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{file.name} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except (RecursionError, ValueError):
        raise SettingsError(
            f"{file.name} cannot be read as JSON: it is nested too deeply, "
            "or a number in it is too long."
        ) from None
    if not isinstance(value, dict):
        raise SettingsError(f"{file.name} must hold one JSON object, such as {{}}.")
    return value


def _in_environment(environment: Mapping[str, str], notices: list[str]) -> Iterator[_Found]:
    known = {setting.variable: setting for setting in (*TABLE, *INERT) if setting.variable}
    for variable, setting in known.items():
        # An empty variable is how shells and compose files say "none".
        if text := environment.get(variable, ""):
            yield _Found(setting, Origin("environment", variable), variable, text)
    for variable in environment:
        if variable.startswith("LINGMA_PROXY_") and variable not in {*known, CONFIG_VARIABLE}:
            meant = _meant(variable, known)
            if meant != ".":
                notices.append(f"{variable} is no setting{meant}")


def _in_flags(flags: Mapping[str, str]) -> Iterator[_Found]:
    for setting in (*TABLE, *INERT):
        if setting.flag and setting.name in flags:
            yield _Found(setting, Origin("flag", setting.flag), setting.flag, flags[setting.name])


def _meant(name: str, known: Mapping[str, Setting]) -> str:
    """How a sentence about an unknown name ends: with the nearest known one, if any."""
    from difflib import get_close_matches  # noqa: PLC0415 — needed only for a slip

    folded = name.lower().replace("-", "_")
    near = get_close_matches(folded, [each.lower() for each in known], 1, 0.75)
    if not near:
        return "."
    meant = next(each for each in known if each.lower() == near[0])
    return f"; did you mean {meant}?"
