"""A canary: what must not be kept is in no file of the recording, whoever said it."""

import json

from anomalies.test_secrets import KEY, a_login, an_echo, secrets
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.simulator.home import Login
from lingma_proxy.simulator.remote import Simulator
from support.served import DIALECTS
from support.simulated import simulated

PLANTED = {
    "prompt": "sk-ant-canary0123456789abcdef",
    "field": "canary-of-a-password-field",
    "argument": "ghp_canary0123456789abcdefghij",
    "header": "canary-of-a-header-0123456789",
    "picture": "iVBORw0KGgo" + "Canary" * 400,
}
WORDS = (
    f"Use {PLANTED['prompt']} and then curl -H 'X-Api-Key: {PLANTED['field']}' please. "
    + json.dumps({"db_password": PLANTED["field"], "arguments": PLANTED["argument"]})
    + f" data:image/png;base64,{PLANTED['picture']}"
)


def leaked(login: Login, data: bytes) -> list[str]:
    return [it for it in (*secrets(login), *PLANTED.values()) if it.encode() in data]


async def ask_all(served):
    for path, asked in DIALECTS.items():
        question = "input" if "input" in asked else "messages"
        words = WORDS if question == "input" else [{"role": "user", "content": WORDS}]
        for stream in (False, True):
            await served.post(
                path,
                # What a client asks to be remembered as it is (`store`) is not of the recording.
                {**asked, question: words, "stream": stream, "store": False, "user": KEY},
                Authorization=f"Bearer {KEY}",
                Cookie=PLANTED["header"],
            )
    await served.get(f"/v1/models/{KEY}", **{"x-api-key": KEY})
    lines = await served.gateway.recording.exchanges.list(Wanted(limit=100))
    assert len(lines) >= 2 * len(DIALECTS)
    return [await served.gateway.recording.exchanges.find(line.id) for line in lines]


async def test_no_secret_reaches_the_disk(tmp_path):
    login = a_login()
    async with simulated(
        Simulator(login=login), api_key=KEY, recording="on", data_dir=str(tmp_path)
    ) as (served, _):
        kept = await ask_all(served)
        files = {file.name: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        assert len(files) >= 2
        assert [name for name, data in files.items() if leaked(login, data)] == []
    texts = "".join(it.request.text + "".join(a.request.text for a in it.attempts) for it in kept)
    assert "please." in texts, "the rest of it is there"
    assert "[redacted: api key]" in texts
    assert "[image/png, " in texts
    assert any(it.attempts for it in kept)
    assert leaked(login, repr(kept).encode()) == []


async def test_who_repeats_what_we_send_is_not_recorded_with_it(tmp_path):
    login = a_login()
    for status, kind in ((b"200", b"text/event-stream"), (b"500", b"application/json")):
        async with (
            an_echo(status, kind) as url,
            simulated(
                Simulator(login=login),
                remote_base_url=url,
                api_key=KEY,
                recording="on",
                data_dir=str(tmp_path),
            ) as (served, _),
        ):
            await ask_all(served)
            for file in tmp_path.rglob("*"):
                assert not file.is_file() or leaked(login, file.read_bytes()) == [], file.name
