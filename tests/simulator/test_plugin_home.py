import json
import os
import socket

import pytest

from lingma_proxy.simulator.plugin_home import LAYOUTS, closed_port, runtime, write_info

PIPE = "\\\\.\\pipe\\lingma-bf0f32"


def test_an_info_file_is_json(tmp_path):
    file = write_info(tmp_path, port=36510, pid=14060, path=PIPE)

    assert file == tmp_path / ".qodercn/vscode/sharedClientCache/.info.json"
    assert json.loads(file.read_text()) == {
        "websocketPort": 36510,
        "pid": 14060,
        "ipcServerPath": PIPE,
        "isDev": False,
    }
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("path", "last"), [(PIPE, PIPE + "\n"), ("", "")])
def test_older_builds_write_lines(tmp_path, path, last):
    file = write_info(tmp_path, port=37010, pid=4242, path=path, product="Lingma", form="text")

    assert file == tmp_path / ".lingma/vscode/sharedClientCache/.info"
    assert file.read_text() == f"37010\n4242\n{last}"


@pytest.mark.parametrize(
    ("product", "layout"), [(product, each) for product in LAYOUTS for each in LAYOUTS[product]]
)
def test_it_may_lie_in_many_places(tmp_path, product, layout):
    file = write_info(tmp_path, port=1, product=product, layout=layout)

    assert file.parent == tmp_path / layout == runtime(tmp_path, product, layout)
    assert json.loads(file.read_text())["pid"] == os.getpid()


def test_it_may_be_broken(tmp_path):
    with pytest.raises(ValueError):
        json.loads(write_info(tmp_path, port=36510, broken=True).read_text())


def test_nobody_listens_on_a_closed_port():
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", closed_port())) != 0
