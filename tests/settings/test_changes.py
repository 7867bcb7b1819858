from dataclasses import replace

import pytest

from lingma_proxy.settings import FileContent, Settings, resolve
from lingma_proxy.settings.changes import changes


def read(text: str):
    return resolve(FileContent("lingma-proxy.json", text), {}, {})


def test_nothing_has_changed_where_nothing_is_another():
    found = changes(Settings(), read("{}"))

    assert (found.settings, found.applied, found.waiting) == (Settings(), [], [])


def test_what_has_changed_is_said_with_its_place():
    found = changes(Settings(), read('{"model": "mmodel", "max_concurrent": 3}'))

    assert found.settings == Settings(model="mmodel", max_concurrent=3)
    assert found.applied == [
        "model is now mmodel (lingma-proxy.json).",
        "max_concurrent is now 3 (lingma-proxy.json).",
    ]


@pytest.mark.parametrize(
    ("before", "text", "name"),
    [
        (Settings(), '{"port": 9000, "model": "mmodel"}', "port"),
        (Settings(), '{"host": "::1", "model": "mmodel"}', "host"),
        (Settings(), '{"backend": "simulator", "model": "mmodel"}', "backend"),
        (Settings(backend="simulator"), '{"backend": "remote", "model": "mmodel"}', "backend"),
    ],
    ids=["port", "host", "to the simulator", "from the simulator"],
)
def test_what_cannot_change_meanwhile_stays_and_is_said(before, text, name):
    found = changes(before, read(text))

    assert found.settings == replace(before, model="mmodel")
    assert [each.partition(":")[0] for each in found.waiting] == [name]


def test_no_key_is_said():
    found = changes(Settings(), read('{"api_key": "sk-canary-0123456789"}'))

    assert found.settings.api_key == "sk-canary-0123456789"
    assert "canary" not in " ".join(found.applied)
