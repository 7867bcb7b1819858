"""No secret is written, whatever it stands in; and what it stood in stays what it was."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingma_proxy.recording.redact import LARGE, Redactor, redacted, without_tail
from support.work import calls

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASC\n-----END PRIVATE KEY-----"
TOKENS = [
    "sk-proj-0123456789abcdefXYZ",
    "sk-ant-api03-abcdefghijklmnop",
    "sk-canary-of-the-proxy",
    "sk_" + "live_0123456789abcdef",
    "ghp_0123456789abcdefghij0123456789abcdef",
    "github_pat_11ABCDEFG0123456789_abcdef",
    "glpat-0123456789abcdefghij",
    "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "xox" + "b-0123456789-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "LTAI5tAbCdEfGhIjKlMnOpQr",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "pt-0123456789abcdefghij",
    "rt-0123456789abcdefghij",
    "COSY.eyJpbmZvIjoiYWJjIn0=.0123456789abcdef0123456789abcdef",
]
SURROUNDINGS = ["{}", "my key is {}, yes", "\n{}\n", '"{}"', "key={}&a=b", "({})", "`{}`", "\t{}"]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_token_is_known_by_how_it_looks(token, depth):
    for surroundings in SURROUNDINGS:
        text = surroundings.format(token)
        for _ in range(depth):
            text = json.dumps({"content": text})
        clean = redacted(text.encode()).decode()
        assert token not in clean, surroundings
        assert token[8:-1] not in clean, surroundings
        assert "[redacted: " in clean
        if depth:
            json.loads(clean)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_private_key_is_taken_out_whole_or_torn(depth):
    for pem in (PEM, PEM[:60]):
        text = pem
        for _ in range(depth):
            text = json.dumps({"content": text})
        assert b"MIIEvQ" not in redacted(text.encode())
        assert b"AQEFAASC" not in redacted(text.encode())


NAMES = [
    "cosy_key", "encrypt_user_info", "machine_id", "machineId", "api_key", "apiKey", "apikey",
    "API_KEY", "x-api-key", "OPENAI_API_KEY", "access_token", "refreshToken", "id-token",
    "security_oauth_token", "password", "passwd", "db_password", "secret", "client_secret",
    "secretAccessKey", "authorization", "Authorization", "AUTHORIZATION", "Proxy-Authorization",
    "cookie", "Set-Cookie", "private_key", "Cosy-Key", "Cosy-Machineid", "credentials",
]  # fmt: skip
VALUE = "a1B2c3/d4+E5=f6"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_field_is_known_by_its_name_however_deep_it_stands(name, depth):
    for indent in (None, 2):
        data = {"a": [{name: VALUE + '"quoted\\', "b": 2**63}], "c": "d"}
        text = json.dumps(data, indent=indent)
        for _ in range(depth - 1):
            text = json.dumps({"content": text, "more": 1})
        clean = redacted(text.encode()).decode()
        assert VALUE not in clean
        assert "quoted" not in clean
        for _ in range(depth - 1):
            clean = json.loads(clean)["content"]
        [field] = json.loads(clean)["a"]
        assert field[name].startswith("[redacted: ")
        assert field["b"] == 2**63
        assert json.loads(clean)["c"] == "d"


INNOCENT = [
    b'{"max_tokens":4096,"prompt_tokens":123456,"total_tokens":5,"usage":{"cached_tokens":1000}}',
    b'{"prompt_cache_key":"0123456789abcdef0123456789abcdef","cache_key":"abcdef0123456789abcdef"}',
    b'{"token":" Hello","logprob":-0.1,"top_logprobs":[{"token":"Hi"}]}',
    (
        b'{"properties":{"password":{"type":"string"},"api_key":{"type":"string"}},'
        b'"required":["password"]}'
    ),
    b'{"key":"kmodel","primary_key":"an_identifier_1","next_page_token":"abcdefgh12345678"}',
    b'{"secret":null,"password":"","cookie":false,"token":"${TOKEN}","api_key":"<your key>"}',
    b"const token: string = getToken(); apiKey: config.apiKey, password=os.environ['X']",
    b"def login(password: str, token=None, key=lambda it: it): self.token = token",
    b"task-force-one-is-a-long-name disk-usage-of-a-large-machine ask-a-question-or-two-here",
    b"https://example.com/path?a=b mail@example.com user@host:/path",
    "密码是什么？".encode(),
]


@pytest.mark.parametrize("data", INNOCENT, ids=range(len(INNOCENT)))
def test_what_is_no_secret_stays(data):
    assert redacted(data) is data


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://u:pass1@host/p?token=abc12&x=1",
         "https://u:[redacted: password]@host/p?token=[redacted: token]&x=1"),
        ("export DB_PASSWORD=hunter2\n", "export DB_PASSWORD=[redacted: db password]\n"),
        ("X_API_KEY='hunter2'", "X_API_KEY='[redacted: x api key]'"),
        ('curl -H "Authorization: Bearer abc123456"',
         'curl -H "Authorization: [redacted: authorization]"'),
        ("Cookie: a=b; c=d\r\nHost: x", "Cookie: [redacted: cookie]\r\nHost: x"),
        ('{"password":12345,"a":1}', '{"password":"[redacted: password]","a":1}'),
        ('{"api_keys":["abcd","efgh"],"a":1}',
         '{"api_keys":["[redacted: api keys]","[redacted: api keys]"],"a":1}'),
        ('{"secret":"cut off', '{"secret":"[redacted: secret]'),
    ],
)  # fmt: skip
def test_it_says_what_was_there(text, clean):
    assert redacted(text.encode()).decode() == clean


def test_lines_of_a_stream_stay_lines_of_a_stream():
    line = b'data: {"delta":{"content":"it is ghp_0123456789abcdefghij0123456789abcdef"}}\n\n'

    assert redacted(line * 3) == (
        b'data: {"delta":{"content":"it is [redacted: github token]"}}\n\n' * 3
    )


def test_pictures_are_markers_with_their_type_and_size():
    png = "iVBORw0KGgoAAAANSUhEUg" + "A" * 40_000
    jpeg = "/9j/4AAQSkZJRgABAQ" + "B" * 200
    data = json.dumps({
        "url": f"data:image/png;base64,{png}",
        "source": {"data": jpeg, "media_type": "image/png"},
        "images": [png],
        "small": "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4gICAg",
        "file": "x" * 3000,
    }).encode()  # fmt: skip

    assert json.loads(redacted(data)) == {
        "url": "[image/png, 29.3 KB]",
        "source": {"data": "[image/jpeg, 0.2 KB]", "media_type": "image/png"},
        "images": ["[image/png, 29.3 KB]"],
        "small": "[image/svg+xml, 0.0 KB]",
        "file": "[base64, 2.2 KB]",
    }
    escaped = data.replace(b"/", b"\\/")
    assert json.loads(redacted(escaped)) == json.loads(redacted(data))


def test_base64_in_lines_is_one_and_a_list_of_words_is_none():
    lines = json.dumps({"data": "\n".join(["A" * 76] * 50)}).encode()
    words = json.dumps({"data": "\n".join(["apple", "banana"] * 500)}).encode()

    assert redacted(lines) == b'{"data":"[base64, 2.8 KB]"}'.replace(b":", b": ", 1)
    assert redacted(words) is words


def test_the_values_in_use_are_taken_out_wherever_they_stand():
    clean = Redactor(["s3cret/value", "", "abc"])

    assert clean(b"as3cret/valueb s3cret\\/value abc") == (
        b"a[redacted: login]b [redacted: login] abc"
    )
    assert not clean.clean(b"xs3cret/valuex")
    assert clean.clean(b"nothing")


def test_a_secret_that_was_cut_off_is_none():
    assert without_tail(b'{"a":"my sk-01') == b'{"a":"my '
    assert without_tail(b"words and words ") == b"words and words "


odd = st.sampled_from([
    b'"', b"\\", b'\\"', b":", b"=", b'"password":', b'\\"api_key\\":\\"', b"token=", b"sk-",
    b"eyJ", b".", b"-----BEGIN PRIVATE KEY-----", b";base64,", b"data:image/png", b"A" * 1500,
    b"Bearer ", b"@", b"://a:", b" ", b"\n", b"[redacted: password]", b"[", b",", b"\xff\xfe",
    b"Authorization: ", b"0123456789abcdef",
])  # fmt: skip


@given(st.lists(odd | st.binary(max_size=6), max_size=30).map(b"".join))
@settings(max_examples=300)
def test_it_takes_any_bytes_and_a_second_time_changes_nothing(data):
    once = redacted(data)

    assert redacted(once) == once


values = st.recursive(
    st.integers(0, 2**64) | st.text(max_size=20) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values, st.booleans())
def test_json_stays_json(value, nested):
    data = json.dumps(value)
    if nested:
        data = json.dumps({"arguments": data})
    clean = json.loads(redacted(data.encode()))

    if nested:
        json.loads(clean["arguments"])


@pytest.mark.parametrize(
    "unit",
    [b'"', b"\\", b"a", b'\\"', b'":', b"key:", b'"api_key":"', b'\\"api_key\\":\\"', b"eyJ",
     b"-----BEGIN PRIVATE KEY-----", b"a@", b"://a:b@", b";base64,", b"Bearer ", b'"api_key":[',
     b"password=", b'"data:x/y;base64,', b"  :", b"\n", b"sk-"],
)  # fmt: skip
def test_a_hostile_body_takes_work_that_grows_with_it(unit):
    def steps(size):
        data = (unit * (size // len(unit) + 1))[:size]
        return calls(lambda: redacted(data))

    # Of four times as much, four times as many; sixteen would be the square.
    assert steps(2**16) < 6 * steps(2**14) + 1000


TURN = '{"role":"user","content":"some words, of which there are many: %s"}'


def conversation(turns):
    return (
        '{"messages":[' + ",".join(TURN % (f"{it} " * 500) for it in range(turns)) + "]}"
    ).encode()


def test_a_conversation_that_grows_is_looked_at_where_it_is_new():
    clean = Redactor()
    looked = calls(lambda: clean(conversation(50)))

    assert calls(lambda: clean(conversation(51))) < looked / 5
    assert clean(conversation(51)) == conversation(51)


def test_what_is_known_to_be_clean_hides_no_secret_beside_it():
    clean = Redactor(["the-login"])
    clean(conversation(50))
    secret = '"},{"role":"user","content":"sk-0123456789abcdef and the-login'
    data = conversation(51).decode().replace("49 " * 500, "49 " * 500 + secret).encode()

    for _ in range(2):
        assert clean(data) == data.replace(b"sk-0123456789abcdef", b"[redacted: api key]").replace(
            b"the-login", b"[redacted: login]"
        )
        assert not clean.clean(data)


@given(st.lists(odd | st.sampled_from([b'"role":', b'"description":', b"},{"]), max_size=40))
@settings(max_examples=200)
def test_nothing_that_is_found_in_all_is_missed_in_its_pieces(units):
    whole = b" " + b'"}'.join(units) + b"some words " * (LARGE // 11 + 1)

    assert (Redactor()(whole) is whole) <= (redacted(whole) is whole)
