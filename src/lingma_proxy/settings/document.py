"""docs/settings.md, written from the table."""

from collections.abc import Iterator, Mapping
from typing import Any

from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.kinds import Secret
from lingma_proxy.settings.setting import Setting
from lingma_proxy.settings.table import TABLE

OPENING = """\
# Settings

Everything has a default that works; nothing needs to be set.

A value can be given in four places, and the later one wins: the default, the settings
file, the environment, a flag of the command.  `lingma-proxy settings` shows every
setting, its value, and the place that it comes from.  A value that is not allowed stops
the program with exit code 2 and a sentence that names the place.

While `serve` runs it watches the file: a change applies within a second, without dropping
a reply that is being said.  What needs a restart is marked below, and the log says so.  A
file that is not allowed changes nothing: the last good settings stay, and the log says why.

**The file** is one JSON object; its keys are the names below.  The first of these is
read, and no other: the file that `--config` names, the file that `LINGMA_PROXY_CONFIG`
names, `lingma-proxy.json` or `lingma-ipc-proxy.json` in the current folder, `config.json`
in the system's folder for settings of `lingma-proxy` (on Linux `~/.config/lingma-proxy`),
`~/.config/lingma-proxy/config.json`, `~/.config/lingma-ipc-proxy/config.json`.

```json
{
  "port": 8095,
  "api_key_file": "~/.config/lingma-proxy/key",
  "model_aliases": {"fast": "qmodel"}
}
```

**In a variable or a flag**, true and false can also be said as yes and no, on and off, 1
and 0; a flag that is true or false needs no value to be true; lists are separated by
commas, and pairs are written `name=key`.  An empty variable counts as none.
"""

CLOSING = """
## Names from Lingma Proxy 1.6

Its keys, variables and flags mean here what they meant there.  These are accepted and
checked, and have no effect in this version (a notice says so at start):
"""


def markdown() -> str:
    return "\n".join([OPENING, *_groups(), CLOSING, *_inert()]) + "\n"


def _groups() -> Iterator[str]:
    group = ""
    for setting in TABLE:
        if setting.group != group:
            group = setting.group
            yield f"## {group}\n"
        yield f"### {setting.name}\n"
        yield f"{setting.help}\n"
        yield f"- must be {setting.kind.allowed}"
        yield f"- default: {_default(setting)}"
        yield f"- `{setting.flag}`, `{setting.variable}`"
        yield "" if setting.live else "- takes effect at the next start\n"


def _default(setting: Setting) -> str:
    match setting.default:
        case "" | () if isinstance(setting.kind, Secret) or setting.default == ():
            return "none"
        case "":
            return "empty"
        case Mapping() as pairs:
            names: Mapping[str, Any] = pairs
            return ", ".join(f"`{name}`" for name in names) or "none"
        case value:
            return f"`{setting.kind.show(value)}`"


def _inert() -> Iterator[str]:
    for setting in INERT:
        places = [setting.name if setting.in_file else None, setting.variable, setting.flag]
        yield "- " + ", ".join(f"`{place}`" for place in places if place)
