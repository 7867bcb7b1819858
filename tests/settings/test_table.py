import dataclasses

import pytest

from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.table import TABLE, Settings

INCUMBENT = """
host LINGMA_PROXY_HOST --host
port LINGMA_PROXY_PORT --port
backend LINGMA_PROXY_BACKEND --backend
transport LINGMA_PROXY_TRANSPORT --transport
pipe LINGMA_IPC_PIPE --pipe
websocket_url LINGMA_PROXY_WS_URL --ws-url
remote_base_url LINGMA_REMOTE_BASE_URL --remote-base-url
remote_auth_file LINGMA_REMOTE_AUTH_FILE --remote-auth-file
remote_version LINGMA_REMOTE_VERSION --remote-version
cwd LINGMA_PROXY_CWD --cwd
current_file_path LINGMA_PROXY_CURRENT_FILE_PATH --current-file-path
mode LINGMA_PROXY_MODE --mode
model LINGMA_PROXY_MODEL --model
shell_type LINGMA_PROXY_SHELL_TYPE --shell-type
session_mode LINGMA_PROXY_SESSION_MODE --session-mode
timeout LINGMA_PROXY_TIMEOUT_SECONDS --timeout
remote_fallback_enabled LINGMA_REMOTE_FALLBACK_ENABLED --remote-fallback
remote_fallback_models LINGMA_REMOTE_FALLBACK_MODELS --remote-fallback-models
"""


@pytest.mark.parametrize("line", INCUMBENT.split("\n")[1:-1])
def test_every_name_of_the_incumbent_is_known(line):
    names = {(each.name, each.variable, each.flag) for each in (*TABLE, *INERT) if each.in_file}

    assert tuple(line.split()) in names


@pytest.mark.parametrize("kind", ["name", "variable", "flag"])
def test_no_name_means_two_things(kind):
    names = [getattr(each, kind) for each in (*TABLE, *INERT) if getattr(each, kind)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_a_default_is_allowed_and_explained(setting):
    raw = setting.default
    if isinstance(raw, tuple):
        raw = list(raw)
    elif not isinstance(raw, bool | int | float | str):
        raw = dict(raw)

    assert setting.kind.of_json(raw) == setting.default
    assert setting.help.endswith(".")


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        Settings().foreign_models["x"] = ""  # type: ignore[index]  # the same
