import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import TABLE, FileContent, Origin, resolve

NAME = "lingma-proxy.json"


def file(text="", **values):
    return FileContent(NAME, text or json.dumps(values))


def refused(file=None, environment=None, flags=None):
    with pytest.raises(SettingsError) as caught:
        resolve(file, environment or {}, flags or {})
    return caught.value.message


def test_the_nearest_place_wins():
    places = [
        (None, {}, {}),
        (file(port=1), {}, {}),
        (file(port=1), {"LINGMA_PROXY_PORT": "2"}, {}),
        (file(port=1), {"LINGMA_PROXY_PORT": "2"}, {"port": "3"}),
    ]
    resolved = [resolve(*place) for place in places]

    assert [each.settings.port for each in resolved] == [8095, 1, 2, 3]
    assert [each.origins["port"] for each in resolved] == [
        Origin("default"),
        Origin("file", NAME),
        Origin("environment", "LINGMA_PROXY_PORT"),
        Origin("flag", "--port"),
    ]


def test_every_setting_has_an_origin():
    assert set(resolve(None, {}, {}).origins) == {setting.name for setting in TABLE}


def test_presence_counts_not_truth():
    resolved = resolve(file(first_byte_timeout=0, max_queue=0, model_aliases={}), {}, {})

    assert resolved.settings.first_byte_timeout == 0
    assert resolved.settings.max_queue == 0
    assert resolved.origins["first_byte_timeout"].kind == "file"
    assert resolve(file(api_key="x"), {}, {"api_key": ""}).settings.api_key == ""


def test_a_file_that_does_not_say_leaves_the_default():
    assert resolve(file(port=1, timeout=None), {}, {}).settings.idle_timeout == 120


def test_an_empty_variable_counts_as_none():
    resolved = resolve(file(port=1), {"LINGMA_PROXY_PORT": "", "LINGMA_PROXY_MODEL": ""}, {})

    assert (resolved.settings.port, resolved.settings.model) == (1, "kmodel")


@pytest.mark.parametrize("key", ["max_concurrent", "Max_Concurrent", "max-concurrent"])
def test_keys_are_read_whatever_their_case(key):
    assert resolve(file(**{key: 3}), {}, {}).settings.max_concurrent == 3


def test_a_broken_file_is_named_with_line_and_column():
    assert refused(file('{\n  "port": 1,,\n}')).startswith(
        "lingma-proxy.json is not JSON: line 2, column 13: "
    )


@pytest.mark.parametrize(
    "text", ["[]", "1", " ", '{"port": NaN}', "{" * 100_000, "[" * 100_000, '{"a": 1' + "0" * 5000]
)
def test_a_file_of_another_shape_is_named(text):
    assert refused(file(text)).startswith("lingma-proxy.json ")


def test_a_file_from_windows_is_read():
    assert resolve(file('\ufeff{"port":\r\n 1}'), {}, {}).settings.port == 1


def test_a_bad_value_is_named_with_its_place_and_what_is_allowed():
    must = "it must be a whole number from 0 to 65535."

    assert refused(file(port="1")) == f'"port" in lingma-proxy.json is "1"; {must}'
    assert refused(None, {"LINGMA_PROXY_PORT": "x"}) == f'LINGMA_PROXY_PORT is "x"; {must}'
    assert refused(None, {}, {"port": "70000"}) == f'--port is "70000"; {must}'


def test_a_bad_value_is_refused_also_where_another_overrides_it():
    assert refused(file(port=-1), {}, {"port": "1"}).startswith('"port" in lingma-proxy.json')


def test_a_backend_of_later_is_refused_in_words():
    assert refused(None, {}, {"backend": "scripted"}) == (
        '--backend is "scripted"; this version has not got that yet: choose auto, remote, ipc, acp'
        " or simulator."
    )


def test_the_other_spelling_of_a_word_is_the_word():
    resolved = resolve(None, {"LINGMA_PROXY_TRANSPORT": "ws"}, {})

    assert resolved.settings.transport == "websocket"


def test_a_secret_is_never_repeated():
    assert "canary" not in refused(file(api_key="canary with blanks"))
    assert "canary" not in refused(None, {"LINGMA_PROXY_API_KEY": "canary ü"})
    assert "canary" not in refused(file(remote_proxy_url="user:canary@host:8080"))
    assert "canary" not in refused(file(websocket_url="http://user:can/canary@host"))


def test_a_long_value_is_repeated_in_part():
    assert len(refused(file(port="x" * 5000))) < 250


def test_an_unknown_key_is_a_notice_with_the_nearest_name():
    resolved = resolve(file(timout=3, colour="red"), {}, {})

    assert resolved.notices == (
        '"timout" in lingma-proxy.json is no setting; did you mean timeout?',
        '"colour" in lingma-proxy.json is no setting.',
    )


def test_a_variable_that_is_nearly_one_is_a_notice():
    environment = {"LINGMA_PROXY_MAXCONCURRENT": "3", "LINGMA_PROXY_SERVICE_ADDR": "x"}

    assert resolve(None, environment, {}).notices == (
        "LINGMA_PROXY_MAXCONCURRENT is no setting; did you mean LINGMA_PROXY_MAX_CONCURRENT?",
    )


def test_a_key_that_stands_twice_is_a_notice():
    resolved = resolve(file('{"port": 1, "port": 2}'), {}, {})

    assert resolved.settings.port == 2
    assert resolved.notices == (
        '"port" stands in lingma-proxy.json more than once; the last counts.',
    )


def test_what_the_incumbent_could_and_we_cannot_is_named_once_for_each_place():
    resolved = resolve(
        file(mode="agent", warmup_timeout=30),
        {"LINGMA_AGGREGATE_TOOL_STREAM": "1"},
        {},
    )

    assert resolved.notices == (
        '"warmup_timeout" has no effect in this version (lingma-proxy.json).',
        "LINGMA_AGGREGATE_TOOL_STREAM has no effect in this version.",
    )


def test_what_the_incumbent_could_is_checked_all_the_same():
    assert "true or false" in refused(file(remote_fallback_enabled="perhaps"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99999) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
names = st.sampled_from([setting.name for setting in TABLE]) | st.text(max_size=5)


@given(st.dictionaries(names, anything, max_size=4), st.data())
def test_whatever_a_file_holds_it_is_settings_or_one_sentence(values, data):
    text = json.dumps(values)
    text = text[: data.draw(st.integers(0, len(text)))]
    sentence = ""
    try:
        resolve(FileContent(NAME, text), {}, {})
    except SettingsError as error:
        sentence = error.message

    assert not sentence or (NAME in sentence and "\n" not in sentence)
