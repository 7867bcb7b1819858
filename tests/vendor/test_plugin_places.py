import json
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.vendor.places import Machine
from lingma_proxy.vendor.plugin_places import (
    Endpoint,
    SharedInfo,
    endpoint_of_pipe,
    endpoint_of_setting,
    endpoint_of_socket,
    endpoint_of_url,
    endpoints_of_info,
    info_files,
    pipe_name,
    pipes,
    product_of,
    read_info,
    sockets,
    websocket_url,
)
from support.strategies import json_values
from support.vectors import vectors

VECTORS = vectors("plugin_places")
HOME = PurePosixPath("/home/someone")
LINUX = Machine("linux", HOME)
MAC = Machine("darwin", PurePosixPath("/Users/someone"))
APPDATA = r"C:\Users\someone\AppData\Roaming"
WINDOWS = Machine(
    "windows",
    PureWindowsPath(r"C:\Users\someone"),
    {"APPDATA": APPDATA, "LOCALAPPDATA": r"C:\Local", "ProgramData": r"C:\ProgramData"},
)
MACHINES = pytest.mark.parametrize("machine", [LINUX, MAC, WINDOWS], ids=lambda it: it.system)


# Where to look.


@pytest.mark.parametrize(
    "folder",
    [
        ".config/QoderCN/SharedClientCache", ".config/QoderCN/sharedClientCache",
        ".config/Qoder/SharedClientCache", ".config/Lingma/SharedClientCache",
        ".config/SharedClientCache", ".qodercn/vscode/sharedClientCache", ".qodercn/vscode",
        ".qodercn/SharedClientCache", ".qodercn", ".lingma/vscode/sharedClientCache",
        ".lingma/vscode/SharedClientCache", ".lingma", ".lingma/Lingma/SharedClientCache",
        ".qoder-cn/shared_client", ".qoder-cn/vscode", ".qoder-cn",
    ],
)  # fmt: skip
def test_the_known_folders_of_a_linux_home_are_looked_into(folder):
    found = info_files(LINUX)

    assert found.index(HOME / folder / ".info.json") + 1 == found.index(HOME / folder / ".info")


def test_so_are_those_of_a_mac_and_of_windows():
    support = MAC.home / "Library/Application Support"
    assert {
        support / name / "SharedClientCache/.info.json" for name in ("QoderCN", "Lingma")
    } < set(info_files(MAC))
    for root in (APPDATA, r"C:\Local", r"C:\ProgramData"):
        assert PureWindowsPath(root, "Lingma", "SharedClientCache", ".info") in info_files(WINDOWS)
        assert PureWindowsPath(root, "SharedClientCache", ".info") in info_files(WINDOWS)


def test_the_folder_of_settings_may_lie_elsewhere():
    machine = Machine("linux", HOME, {"XDG_CONFIG_HOME": "/srv/config"})

    assert info_files(machine)[0] == PurePosixPath(
        "/srv/config/QoderCN/SharedClientCache/.info.json"
    )
    assert HOME / ".config/Lingma/SharedClientCache/.info" in info_files(machine)


@MACHINES
@pytest.mark.parametrize("places", [info_files, sockets])
def test_no_place_comes_twice_and_qoder_comes_first(places, machine):
    found = [
        str(path) if machine.system == "linux" else str(path).lower() for path in places(machine)
    ]
    qoder = ["qoder" in path.lower() for path in found]

    assert len(set(found)) == len(found)
    assert qoder == sorted(qoder, reverse=True)
    assert len(found) < 150


@pytest.mark.parametrize(
    "path",
    [".qodercn/vscode/sharedClientCache/qodercn.sock", ".qodercn/qodercn.sock",
     ".lingma/vscode/sharedClientCache/lingma.sock", ".lingma/lingma.sock",
     ".qoder-cn/shared_client/qodercn.sock"],
)  # fmt: skip
def test_the_known_sockets_are_looked_for(path):
    assert HOME / path in sockets(LINUX)


def test_so_are_those_of_a_mac_and_windows_has_none():
    support = MAC.home / "Library/Application Support"

    assert support / "QoderCN/SharedClientCache/qodercn.sock" in sockets(MAC)
    assert support / "Qoder/SharedClientCache/qodercn.sock" in sockets(MAC)
    assert support / "Lingma/SharedClientCache/lingma.sock" in sockets(MAC)
    assert sockets(WINDOWS) == ()


def test_of_all_pipes_only_the_plugins_are_taken_the_last_first():
    names = [
        "lingma-0a",
        "mojo.1.2",
        "qodercn-01",
        "lingma-0b",
        "QoderCN-99",
        "my-lingma-1",
        "lingma",
    ]

    assert pipes(names) == tuple(
        rf"\\.\pipe\{name}" for name in ("qodercn-01", "QoderCN-99", "lingma-0b", "lingma-0a")
    )


# Info files.


@pytest.mark.parametrize("row", VECTORS["shared_client_info"], ids=lambda it: it["content"][:9])
@pytest.mark.parametrize(
    "spoil",
    [lambda it: it, lambda it: "\ufeff" + it, lambda it: it.replace("\n", "\r\n") + "\r\n "],
)
def test_an_info_file_is_read_as_the_vectors_say(row, spoil):
    expected = row["expect"]

    assert read_info(spoil(row["content"])) == SharedInfo(
        expected["websocketPort"], expected["pid"], expected["ipcServerPath"]
    )


@pytest.mark.parametrize(
    "text",
    [*VECTORS["shared_client_info_invalid"], "{}", "{", '{"websocketPort":0}', "0\n1\n", "-1", "1.5",
     '{"websocketPort":true}', '{"websocketPort":65536}', '{"ipcServerPath":"a\\u0000b"}', "٣٦"],
)  # fmt: skip
def test_what_leads_nowhere_is_refused(text):
    with pytest.raises(ValueError, match=r".{10}"):
        read_info(text)


@pytest.mark.parametrize(
    ("text", "info"),
    [
        ('{"websocketPort":"36510","pid":"7"}', SharedInfo(36510, 7, "")),
        (
            '{"websocketPort":null,"pid":0,"ipcServerPath":"/x.sock"}',
            SharedInfo(0, None, "/x.sock"),
        ),
        ("36510", SharedInfo(36510, None, "")),
        ("0\n\n/x.sock\nmore", SharedInfo(0, None, "/x.sock")),
    ],
)
def test_numbers_may_be_texts_and_the_rest_may_be_missing(text, info):
    assert read_info(text) == info


@given(st.text() | json_values.map(json.dumps) | st.dictionaries(
    st.sampled_from(["websocketPort", "pid", "ipcServerPath"]), json_values
).map(json.dumps))  # fmt: skip
def test_any_text_is_an_info_file_or_is_refused(text):
    try:
        info = read_info(text)
    except ValueError:
        return
    assert info.port or info.pipe
    for machine in (LINUX, WINDOWS):
        endpoints_of_info(info, machine.home / ".info", machine)


# The ways to it.


def ways(info, path, machine):
    return [(way.kind, way.address, way.product) for way in endpoints_of_info(info, path, machine)]


def test_windows_is_reached_by_its_pipe_first():
    info = SharedInfo(36510, 1, r"\\.\pipe\lingma-bf0f32")
    path = PureWindowsPath(APPDATA, "Lingma", "SharedClientCache", ".info.json")

    assert ways(info, path, WINDOWS) == [
        ("pipe", r"\\.\pipe\lingma-bf0f32", "Lingma"),
        ("websocket", "ws://127.0.0.1:36510/", "Lingma"),
    ]
    assert ways(info, path, LINUX)[0][0] == "websocket"
    assert len(ways(info, path, LINUX)) == 1


def test_others_are_reached_by_websocket_first():
    info = SharedInfo(37109, None, "/run/x.sock")

    assert ways(info, HOME / ".qodercn/.info", LINUX) == [
        ("websocket", "ws://127.0.0.1:37109/", "Qoder CN"),
        ("socket", "/run/x.sock", "Qoder CN"),
    ]
    assert ways(SharedInfo(0, None, "qodercn.sock"), HOME / ".info", LINUX) == []


def test_an_info_file_never_leads_to_another_machine():
    for pipe in (
        r"\\evil.example\pipe\lingma-1",
        r"\\evil.example\share\x",
        r"C:\x",
        "//evil/pipe/x",
    ):
        assert ways(SharedInfo(0, None, pipe), PureWindowsPath("x"), WINDOWS) == []


def test_where_it_was_found_does_not_tell_whose_home_it_is():
    (way,) = endpoints_of_info(SharedInfo(1, None, ""), HOME / ".lingma/.info", LINUX)

    assert way.whence == "~/.lingma/.info"


def test_a_user_who_is_called_qoder_has_lingma_all_the_same():
    machine = Machine("linux", PurePosixPath("/home/qoder"))
    path = machine.home / ".lingma/lingma.sock"

    assert endpoint_of_socket(path, machine) == Endpoint(
        "socket", "/home/qoder/.lingma/lingma.sock", "Lingma", "~/.lingma/lingma.sock"
    )
    info = SharedInfo(0, None, str(path))
    assert ways(info, machine.home / ".lingma/.info", machine)[0][2] == "Lingma"


def test_qoder_anywhere_is_qoder():
    assert product_of("ws://127.0.0.1:1/", "~/.QoderCN/.info") == "Qoder CN"
    assert product_of("x", "y") == "Lingma"


def test_what_the_user_names_is_an_endpoint():
    assert endpoint_of_setting("qodercn-1", WINDOWS, "--pipe") == Endpoint(
        "pipe", r"\\.\pipe\qodercn-1", "Qoder CN", "--pipe"
    )
    assert endpoint_of_setting("~/x.sock", LINUX, "--pipe").address == "/home/someone/x.sock"
    assert endpoint_of_url("ws://localhost:1", "--ws-url") == Endpoint(
        "websocket", "ws://localhost:1/", "Lingma", "--ws-url"
    )
    assert endpoint_of_pipe("lingma-1").product == "Lingma"
    for text in ("", " ", r"\\.\pipe\lingma-1", "/a\0b"):
        with pytest.raises(ValueError, match=r".{10}"):
            endpoint_of_setting(text, LINUX, "--pipe")


@pytest.mark.parametrize("row", VECTORS["websocket_url"], ids=lambda it: it["input"])
def test_a_websocket_url_is_read_as_the_vectors_say(row):
    if row["expect"] == "error":
        with pytest.raises(ValueError, match="WebSocket"):
            websocket_url(row["input"])
    else:
        assert websocket_url(row["input"]) == row["expect"]


@pytest.mark.parametrize(
    ("text", "url"),
    [("wss://a.example", "wss://a.example/"), ("ws://[::1]:1?a=b", "ws://[::1]:1/?a=b"),
     (" WS://a.example/x ", "ws://a.example/x")],
)  # fmt: skip
def test_a_websocket_url_is_made_whole(text, url):
    assert websocket_url(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:1", "ws://", "ws://a:99999", "ws://u@a", "ws://a#b", "ws://[::1", "file:///x"],
)
def test_what_is_no_websocket_url_is_refused(text):
    with pytest.raises(ValueError, match=r".{6}"):
        websocket_url(text)


@pytest.mark.parametrize("row", VECTORS["pipe_path_windows"], ids=lambda it: it["input"])
def test_a_pipe_is_named_as_the_vectors_say(row):
    assert pipe_name(row["input"]) == row["expect"]


@pytest.mark.parametrize("text", [r"\\.\PIPE\a", "//./pipe/a", r"\\?\pipe\a", " a "])
def test_a_pipe_has_one_name_however_it_is_spelled(text):
    assert pipe_name(text) == r"\\.\pipe\a"


@pytest.mark.parametrize("text", ["", "\\\\.\\pipe\\", r"\\host\pipe\a", r"C:\a", r"\a", "a\nb"])
def test_what_is_no_pipe_of_this_machine_is_refused(text):
    with pytest.raises(ValueError, match=r".{10}"):
        pipe_name(text)
