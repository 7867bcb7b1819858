"""The settings: one table, read by the file, the environment, the flags and the docs."""

from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.resolve import (
    CONFIG_VARIABLE,
    FileContent,
    Origin,
    Resolved,
    resolve,
)
from lingma_proxy.settings.setting import Setting
from lingma_proxy.settings.table import DEFAULT_MODEL, TABLE, Settings

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_MODEL",
    "INERT",
    "TABLE",
    "FileContent",
    "Origin",
    "Resolved",
    "Setting",
    "Settings",
    "resolve",
]
