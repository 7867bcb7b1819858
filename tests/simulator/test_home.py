import json
import stat
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from lingma_proxy.simulator import cipher
from lingma_proxy.simulator.home import (
    LAYOUTS,
    cache_file,
    new_login,
    write_credentials,
    write_home,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/simulator.json").read_text("utf-8"))


def opened(runtime: Path, machine_id: str) -> dict[str, object]:
    content = b64decode((runtime / "cache/user").read_bytes(), validate=True)
    found = json.loads(cipher.aes_decrypt(machine_id[:16].encode(), content))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("layout", ["", *LAYOUTS])
def test_a_home_holds_a_login_in_every_layout(tmp_path, layout):
    login = write_home(tmp_path, layout=layout)
    runtime = tmp_path / layout
    found = opened(runtime, (runtime / "cache/id").read_text().strip())

    assert found["uid"] == login.uid
    assert found["key"] == login.cosy_key
    assert found["expire_time"] == login.expire_time
    identity = json.loads(
        cipher.open_info(cipher.open_temp_key(login.cosy_key), str(found["encrypt_user_info"]))
    )
    assert identity["uid"] == login.uid
    assert len(identity) == 20


def test_the_cache_has_the_keys_of_a_real_one():
    real = json.loads(VECTORS["cache_user"]["plaintext_json"])

    assert list(new_login().cache_user()) == list(real)


def test_nobody_else_may_read_it(tmp_path):
    write_home(tmp_path / "home", layout=".lingma")
    paths = [tmp_path / "home", *(tmp_path / "home").rglob("*")]

    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}


def test_without_an_id_the_log_has_it(tmp_path):
    write_home(tmp_path)
    login = write_home(tmp_path, id_file=False)

    assert not (tmp_path / "cache/id").exists()
    assert (
        (tmp_path / "logs/lingma.log")
        .read_text()
        .strip()
        .endswith(f"using machine id from file: {login.machine_id}")
    )


def test_the_expiry_may_be_a_string(tmp_path):
    login = write_home(tmp_path, string_expiry=True)

    assert opened(tmp_path, login.machine_id)["expire_time"] == str(login.expire_time)


def test_a_corrupt_cache_cannot_be_read(tmp_path):
    login = write_home(tmp_path, corrupt=True)

    with pytest.raises(ValueError):
        opened(tmp_path, login.machine_id)


def test_two_runtimes_may_expire_at_different_times(tmp_path):
    early = write_home(tmp_path, new_login(lifetime=-60), layout=".lingma")
    late = write_home(tmp_path, layout=".qodercn")

    assert early.expire_time < late.expire_time
    assert early.uid != late.uid


def test_a_login_is_made_from_the_randomness_it_is_given():
    def login():
        return new_login(random=lambda count: bytes(range(1, count + 1)), clock=lambda: 0)

    assert login() == login()
    assert login().expire_time == 60 * 24 * 3600 * 1000
    assert new_login() != new_login()


def test_no_secret_is_in_its_repr():
    login = replace(new_login(), security_oauth_token="pt-canary", refresh_token="rt-canary")

    for secret in (login.cosy_key, login.temp_key, "pt-canary", "rt-canary"):
        assert secret not in repr(login)


def test_a_cache_file_is_the_vectors_for_the_vectors_login():
    content = cipher.aes_decrypt(
        VECTORS["identity"]["machine_id"][:16].encode(),
        cipher.strict_base64(VECTORS["cache_user"]["file_content"]),
    )

    assert content.decode() == VECTORS["cache_user"]["plaintext_json"]
    assert len(cache_file(new_login())) % 4 == 0


def test_credentials_are_a_file_of_their_own(tmp_path):
    login = new_login()
    write_credentials(tmp_path / "secrets/credentials.json", login)
    written = json.loads((tmp_path / "secrets/credentials.json").read_text())

    assert written["auth"]["cosy_key"] == login.cosy_key
    assert written["token_expire_time"] == str(login.expire_time)
    assert stat.S_IMODE((tmp_path / "secrets/credentials.json").stat().st_mode) == 0o600
