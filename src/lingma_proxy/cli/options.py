"""Flags from the table of settings, and commands that take them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from lingma_proxy.settings import INERT, TABLE, Setting
from lingma_proxy.settings.kinds import Number, Pairs, Switch, Whole, Word, Words

Function = TypeVar("Function", bound=Callable[..., Any])


class SettingOption(click.Option):
    """A flag of the table.

    It hands on the text that was given, unread: `resolve` reads it, so that a flag, a
    variable and a key of the file are refused in the same words.
    """

    def __init__(self, setting: Setting, *, shown: bool) -> None:
        assert setting.flag is not None, "a setting without a flag has no option"
        self.setting = setting
        # A switch needs no value to be on.  (A flag_value of None would not be the same as none.)
        bare: dict[str, Any] = {}
        if isinstance(setting.kind, Switch):
            bare = {"is_flag": False, "flag_value": "true"}
        super().__init__(
            [setting.flag, setting.name],
            help=_help(setting),
            metavar=_metavar(setting),
            hidden=not shown,
            **bare,
        )


class SettingsCommand(click.Command):
    """A command some of whose options are settings, shown in the groups of the table."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        flags = {option for param in self.params for option in param.opts}
        return super().parse_args(ctx, [_two_dashes(word, flags) for word in args])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None or isinstance(param, click.Argument):
                continue
            group = param.setting.group if isinstance(param, SettingOption) else "Options"
            groups.setdefault(group, []).append(record)
        own = groups.pop("Options")
        for group, records in {**groups, "Options": own}.items():
            with formatter.section(group):
                formatter.write_dl(records, col_max=26)


def with_settings(
    names: Iterable[str] | None = None, *, shown: bool = True
) -> Callable[[Function], Function]:
    """Gives a command `--config` and the flags of these settings (None: all).

    Unless `shown`, its help leaves them to the help of `serve`.
    """
    wanted = None if names is None else set(names)
    options = [
        SettingOption(setting, shown=shown and setting not in INERT)
        for setting in (*TABLE, *INERT)
        if setting.flag and (wanted is None or setting.name in wanted)
    ]
    config = click.Option(
        ["--config"],
        metavar="FILE",
        help="The settings file; otherwise the first that is found (see docs/settings.md).",
    )

    def decorate(function: Function) -> Function:
        # click collects parameters from the last decorator to the first.
        parameters: list[click.Parameter] = [config, *reversed(options)]
        function.__click_params__ = [  # type: ignore[attr-defined]  # click's own way to hand them on
            *getattr(function, "__click_params__", []),
            *parameters,
        ]
        return function

    return decorate


def given(values: dict[str, Any]) -> dict[str, str]:
    """The flags that were really given, as `resolve` wants them."""
    return {name: text for name, text in values.items() if text is not None}


def _help(setting: Setting) -> str:
    default = setting.kind.show(setting.default) if setting.default not in (None, "", ()) else ""
    if isinstance(setting.kind, Pairs | Switch):
        default = ""
    return f"{setting.help} [{default}]" if default else setting.help


def _metavar(setting: Setting) -> str:
    match setting.kind:
        case Switch():
            return "[true|false]"
        case Word(words=words):
            return "|".join(words)
        case Number():
            return "SECONDS"
        case Whole(unit=unit):
            return unit or "N"
        case Words():
            return "A,B"
        case Pairs():
            return "NAME=KEY,…"
        case _:
            return setting.name.rpartition("_")[2].upper()


def _two_dashes(word: str, flags: Sequence[str] | set[str]) -> str:
    """`-port` as `--port`: Go's flags, as the incumbent has them, take either."""
    name = word.partition("=")[0]
    if len(name) > 2 and not name.startswith("--") and "-" + name in flags:
        return "-" + word
    return word
