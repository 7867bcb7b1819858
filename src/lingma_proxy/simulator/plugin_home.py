r"""What a running plugin leaves on disk, so that others find it.

    <runtime>/.info.json    {"websocketPort": 36510, "pid": 14060, "ipcServerPath": "…", …}
    <runtime>/.info         the same from older builds: port, pid and path, one a line
    <runtime>/qodercn.sock  (or lingma.sock) its Unix socket

`ipcServerPath` is a pipe (`\\.\pipe\lingma-bf0f32`) on Windows, and a socket elsewhere.
"""

import os
import socket
from pathlib import Path
from typing import Literal, TypeAlias

from lingma_proxy.jsonio import dumpb
from lingma_proxy.simulator.home import make_private, write_private

Product: TypeAlias = Literal["Qoder CN", "Lingma"]
Form: TypeAlias = Literal["json", "text"]

LAYOUTS: dict[Product, tuple[str, ...]] = {
    "Qoder CN": (
        ".qodercn/vscode/sharedClientCache",
        ".qodercn/vscode/SharedClientCache",
        ".qodercn/vscode",
        ".qodercn",
        ".config/QoderCN/SharedClientCache",
        ".config/Qoder/sharedClientCache",
        "Library/Application Support/QoderCN/SharedClientCache",
        "Library/Application Support/Qoder/SharedClientCache",
        "AppData/Roaming/QoderCN/SharedClientCache",
        "AppData/Local/Qoder/sharedClientCache",
        ".qoder-cn/shared_client",
        ".qoder-cn/vscode",
        ".qoder-cn",
    ),
    "Lingma": (
        ".lingma/vscode/sharedClientCache",
        ".lingma/vscode/SharedClientCache",
        ".lingma/vscode",
        ".lingma",
        ".config/Lingma/SharedClientCache",
        "Library/Application Support/Lingma/SharedClientCache",
        "AppData/Roaming/Lingma/SharedClientCache",
        "AppData/Local/Lingma/sharedClientCache",
    ),
}
"""Where a runtime may lie below the home of its person; the likeliest comes first."""

NAMES: dict[Form, str] = {"json": ".info.json", "text": ".info"}
SOCKETS: dict[Product, str] = {"Qoder CN": "qodercn.sock", "Lingma": "lingma.sock"}


def write_info(
    home: Path,
    *,
    port: int = 0,
    pid: int | None = None,
    path: str = "",
    product: Product = "Qoder CN",
    layout: str | None = None,
    form: Form = "json",
    broken: bool = False,
) -> Path:
    """Write an info file below the home, and say where; one that is there is replaced.

    `layout` is one of LAYOUTS, by default the product's first; `pid` is by default our own;
    `broken` writes half of the file.
    """
    folder = runtime(home, product, layout)
    pid = os.getpid() if pid is None else pid
    match form:
        case "json":
            said = {"websocketPort": port, "pid": pid, "ipcServerPath": path, "isDev": False}
            content = dumpb(said)
        case "text":
            content = "".join(f"{line}\n" for line in (port, pid, path) if line != "").encode()
    file = folder / NAMES[form]
    write_private(file, content[: len(content) // 2] if broken else content)
    return file


def runtime(home: Path, product: Product = "Qoder CN", layout: str | None = None) -> Path:
    """The folder of a runtime, which is there then."""
    folder = home / (LAYOUTS[product][0] if layout is None else layout)
    make_private(folder)
    return folder


def closed_port() -> int:
    """A port on which nobody listens: for info files of plugins that are gone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
