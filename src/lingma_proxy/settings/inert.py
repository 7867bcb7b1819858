"""What Lingma Proxy 1.6 can be told and we cannot yet.

It is read and checked, so that people's files and scripts keep working, and named in a notice.
"""

from typing import Any

from lingma_proxy.settings.kinds import Kind, Number, Switch
from lingma_proxy.settings.setting import Setting


def _inert(
    name: str,
    kind: Kind[Any],
    variable: str | None,
    flag: str | None,
    *,
    in_file: bool = True,
) -> Setting:
    return Setting(
        name=name,
        kind=kind,
        default=None,
        help="",
        group="",
        variable=variable,
        flag=flag,
        in_file=in_file,
    )


INERT = (
    _inert("warmup_timeout", Number(0, 86400), None, None),
    _inert("aggregate_tool_stream", Switch(), "LINGMA_AGGREGATE_TOOL_STREAM", None, in_file=False),
)
