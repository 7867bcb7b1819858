import signal
import sys

import pytest

from support.process import ask, get, playing, post, run, running, served

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its signals are of another kind")


@pytest.mark.parametrize("words", [["--backend", "simulator"], ["--simulate-without-login"]])
def test_the_simulator_answers_and_is_called_what_it_is(tmp_path, words):
    with served(tmp_path, *words) as (process, url):
        status, answer = ask(url + "/v1/chat/completions")
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "pong")
        assert "nothing leaves this machine" in process.line()
        assert process.stop(signal.SIGTERM)[0] == 0


def test_without_a_login_it_starts_and_answers_401_with_what_to_do(tmp_path):
    with served(tmp_path) as (process, url):
        status, answer = ask(url + "/v1/chat/completions")
        assert status == 401
        assert "Log in" in answer["error"]["message"]
        assert "nobody yet" in process.line()
        assert process.stop(signal.SIGINT)[0] == 0


def test_a_plugin_that_is_open_answers(tmp_path):
    with (
        playing(tmp_path, "--home", str(tmp_path), "--pace", "0"),
        served(tmp_path) as (process, url),
    ):
        said = " ".join(" ".join(process.line() for _ in range(4)).split())
        _, answer = ask(url + "/v1/chat/completions")
        ready, state = get(url + "/readyz"), get(url + "/health")["state"]
        assert process.stop(signal.SIGTERM)[0] == 0

    assert answer["choices"][0]["message"]["content"] == "pong"
    assert said.startswith("answers the plugin on this machine: Qoder CN is running")
    assert "Backend ipc: it is the first that is there (remote: no login was found;" in said
    assert (ready["ready"], ready["backend"], ready["peer"]) == (True, "ipc", "Qoder CN")
    assert (state["backend"], state["transport"], state["connected"]) == ("ipc", "websocket", True)


def test_an_agent_that_is_wanted_must_be_named(tmp_path):
    result = run(tmp_path, "serve", "--backend", "acp")

    assert result.returncode == 2
    assert "--acp-command" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_incumbents_bare_flags_serve(tmp_path):
    words = ["-port", "0", "-backend", "simulator", "-session-mode=auto", "-remote-fallback=false"]
    with running(tmp_path, *words) as process:
        assert "listens on" in process.line()
        code, _, errors = process.stop(signal.SIGTERM)
        assert code == 0
        assert "has no effect" not in errors


def test_a_second_signal_ends_it_while_a_reply_is_said(tmp_path):
    with served(tmp_path, "--backend", "simulator", "--shutdown-grace", "600") as (process, url):
        stalled = [{"role": "user", "content": "SIMULATE: stall"}]
        with post(url + "/v1/chat/completions", messages=stalled, stream=True) as answer:
            assert answer.readline().startswith(b"data: ")
            process.process.send_signal(signal.SIGINT)
            assert process.complaint().startswith("Stopping:")
            assert process.stop(signal.SIGINT)[0] == 0


def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(tmp_path):
    with served(tmp_path) as (_, url):
        port = url.rpartition(":")[2]
        result = run(tmp_path, "serve", "--port", port)

    assert result.returncode == 1
    assert result.stderr == (
        f"lingma-proxy: A Lingma Proxy is running on {url} already. Use that one, or choose another"
        " port: --port.\n"
    )


def test_it_does_not_listen_beyond_this_machine_without_a_key(tmp_path):
    result = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")

    assert result.returncode == 2
    assert "api_key" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_key_that_is_set_is_asked_for_and_never_shown(tmp_path):
    with served(tmp_path, LINGMA_PROXY_API_KEY="canary") as (process, url):
        status, _ = ask(url + "/v1/chat/completions")
        assert status == 401
        assert (ended := process.stop(signal.SIGTERM))[0] == 0
        assert "canary" not in ended[1] + ended[2]
