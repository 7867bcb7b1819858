import json
import os
import socket
from pathlib import Path, PureWindowsPath

import pytest

from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.errors import SettingsError
from lingma_proxy.vendor.places import Machine


def machine(home: Path) -> Machine:
    return Machine("linux", home, {})


def info(home: Path, folder: str, port: int, pipe: str = "", name: str = ".info.json") -> None:
    path = home / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"websocketPort": port, "pid": 1, "ipcServerPath": pipe})
    path.write_text(text if name == ".info.json" else f"{port}\n1\n{pipe}\n")


@pytest.fixture
def listening():
    """Makes sockets that lie in a folder."""
    made = []

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        one = socket.socket(socket.AF_UNIX)
        made.append(one)
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)
        return path

    yield make
    for one in made:
        one.close()


def found(home, **more):
    return [
        (each.kind, each.address, each.product)
        for each in Discovery(machine(home), **more).endpoints()
    ]


def test_an_empty_home_has_none(tmp_path):
    assert found(tmp_path) == []


def test_info_files_are_found_and_qoder_cn_goes_first(tmp_path):
    info(tmp_path, ".lingma/vscode/sharedClientCache", 36510)
    info(tmp_path, ".qodercn/vscode/sharedClientCache", 37109, name=".info")

    assert found(tmp_path) == [
        ("websocket", "ws://127.0.0.1:37109/", "Qoder CN"),
        ("websocket", "ws://127.0.0.1:36510/", "Lingma"),
    ]


def test_a_file_that_is_none_is_passed_over(tmp_path):
    info(tmp_path, ".lingma", 36510)
    (tmp_path / ".lingma/.info.json").write_text("{")
    info(tmp_path, ".lingma", 36511, name=".info")

    assert found(tmp_path) == [("websocket", "ws://127.0.0.1:36511/", "Lingma")]


def test_sockets_are_found_where_there_is_no_info_file(tmp_path, listening):
    listening(tmp_path / ".lingma/lingma.sock")
    (tmp_path / ".qodercn").mkdir()
    (tmp_path / ".qodercn/qodercn.sock").touch()  # a file, no socket

    assert found(tmp_path) == [("socket", str(tmp_path / ".lingma/lingma.sock"), "Lingma")]


def test_a_socket_that_the_info_file_names_is_not_named_twice(tmp_path, listening):
    path = listening(tmp_path / ".lingma/lingma.sock")
    info(tmp_path, ".lingma", 36510, str(path))

    assert found(tmp_path) == [
        ("websocket", "ws://127.0.0.1:36510/", "Lingma"),
        ("socket", str(path), "Lingma"),
    ]


@pytest.mark.parametrize(
    ("transport", "kinds"),
    [
        ("auto", ["websocket", "socket"]),
        ("websocket", ["websocket"]),
        ("ws", ["websocket"]),
        ("pipe", ["socket"]),
    ],
)
def test_a_transport_can_be_asked_for(tmp_path, listening, transport, kinds):
    info(tmp_path, ".lingma", 36510, str(listening(tmp_path / ".lingma/lingma.sock")))

    assert [kind for kind, _, _ in found(tmp_path, transport=transport)] == kinds


def test_what_the_settings_name_is_all_there_is(tmp_path):
    info(tmp_path, ".lingma", 36510)

    assert found(tmp_path, url="ws://127.0.0.1:1", pipe="/run/q", socket="~/qoder.sock") == [
        ("websocket", "ws://127.0.0.1:1/", "Lingma"),
        ("socket", "/run/q", "Lingma"),
        ("socket", str(tmp_path / "qoder.sock"), "Qoder CN"),
    ]


def test_an_address_of_the_settings_needs_no_transport(tmp_path):
    assert found(tmp_path, url="ws://127.0.0.1:1", transport="pipe") != []


def test_the_settings_can_name_the_info_file(tmp_path):
    info(tmp_path, ".qodercn", 37109)
    info(tmp_path, "elsewhere", 1)
    discovery = Discovery(machine(tmp_path), info=str(tmp_path / "elsewhere/.info.json"))

    assert discovery.is_set
    assert [each.address for each in discovery.endpoints()] == ["ws://127.0.0.1:1/"]


@pytest.mark.parametrize(
    ("setting", "text"), [("url", "http://a"), ("pipe", r"\\.\pipe\x"), ("socket", r"\\x")]
)
def test_an_address_that_is_none_is_a_wrong_setting(tmp_path, setting, text):
    names = {"url": "websocket_url", "pipe": "pipe", "socket": "ipc_socket"}

    with pytest.raises(SettingsError, match=f"^{names[setting]}: "):
        Discovery(machine(tmp_path), **{setting: text})


def test_on_windows_the_pipes_are_looked_through():
    windows = Machine("windows", PureWindowsPath("C:/Users/u"), {})
    discovery = Discovery(
        windows, pipe_names=lambda: ["other", "lingma-1", "lingma-2", "qodercn-a"]
    )

    assert [each.address for each in discovery.endpoints()] == [
        r"\\.\pipe\qodercn-a",
        r"\\.\pipe\lingma-2",
        r"\\.\pipe\lingma-1",
    ]


def test_what_is_shown_names_no_home(tmp_path):
    info(tmp_path, ".lingma", 36510)
    (endpoint,) = Discovery(machine(tmp_path)).endpoints()

    assert endpoint.whence == "~/.lingma/.info.json"
