"""What has changed between two times that the settings were read, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lingma_proxy.settings.resolve import Resolved
from lingma_proxy.settings.setting import Setting
from lingma_proxy.settings.table import TABLE, Settings

SIMULATOR = "simulator"


@dataclass(frozen=True)
class Changes:
    """From one time to the next."""

    settings: Settings
    """What is to be: the new values, and the old ones of what cannot change meanwhile."""
    applied: Sequence[str] = ()
    """A sentence for each setting that is another now.  Secrets are masked."""
    waiting: Sequence[str] = ()
    """A sentence for each that is another at the next start."""


def changes(before: Settings, after: Resolved) -> Changes:
    applied: list[str] = []
    waiting: list[str] = []
    stays: dict[str, Any] = {}
    for setting in TABLE:
        old, new = (getattr(each, setting.name) for each in (before, after.settings))
        if old == new:
            continue
        shown = setting.kind.show(new) or "empty"
        if can_change(setting, old, new):
            applied.append(f"{setting.name} is now {shown} ({after.origins[setting.name]}).")
        else:
            stays[setting.name] = old
            waiting.append(f"{setting.name}: {shown} takes effect at the next start.")
    return Changes(replace(after.settings, **stays), applied, waiting)


def can_change(setting: Setting, old: object, new: object) -> bool:
    # The simulator is a server of its own, which lives as long as the program.
    return setting.live and not (setting.name == "backend" and SIMULATOR in {old, new})
