import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.simulator import cipher
from support.vendor_client import encoded

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/simulator.json").read_text("utf-8"))
KEY = VECTORS["identity"]["machine_id"][:16].encode()


@pytest.mark.parametrize("vector", VECTORS["encode1"], ids=lambda vector: vector["plain_hex"][:16])
def test_encode1_is_read_as_the_vectors_have_it(vector):
    assert cipher.decode1(vector["encoded"]).hex() == vector["plain_hex"]


@pytest.mark.parametrize("text", VECTORS["encode1_invalid"])
def test_what_is_not_encode1_is_refused(text):
    with pytest.raises(ValueError):
        cipher.decode1(text)


@given(st.binary(max_size=200))
def test_encode1_comes_back(data):
    assert cipher.decode1(encoded(data).decode()) == data


@pytest.mark.parametrize(
    "vector", VECTORS["aes_sizes"], ids=lambda v: str(len(v["plain_hex"]) // 2)
)
def test_aes_fills_up_to_a_block(vector):
    plain, sealed = bytes.fromhex(vector["plain_hex"]), cipher.strict_base64(vector["b64"])

    assert cipher.aes_encrypt(KEY, plain) == sealed
    assert cipher.aes_decrypt(KEY, sealed) == plain


@pytest.mark.parametrize("vector", VECTORS["aes_negative"], ids=lambda vector: vector["name"])
def test_aes_says_no(vector):
    key = vector.get("machine_id", KEY.decode())[:16].encode()

    with pytest.raises(ValueError):
        json.loads(cipher.aes_decrypt(key, cipher.strict_base64(vector.get("b64", "AAAA"))))


def test_the_key_of_the_vectors_opens_and_so_does_the_info():
    identity = VECTORS["identity"]
    temp_key = cipher.open_temp_key(identity["cosy_key"])

    assert temp_key == VECTORS["temp_key"]
    for shape in ("info_9", "info_20"):
        assert cipher.open_info(temp_key, VECTORS[shape]["b64"]).decode() == VECTORS[shape]["json"]


@given(st.integers(0, 2**32))
def test_a_sealed_key_opens_whatever_the_noise_is(seed):
    sealed = cipher.seal_temp_key("0123456789abcdef", Random(seed).randbytes)

    assert len(sealed) == 172
    assert cipher.open_temp_key(sealed) == "0123456789abcdef"


@pytest.mark.parametrize("key", ["", "AAAA", "A" * 171 + "=", "not base64"])
def test_a_key_that_was_not_sealed_for_us_is_refused(key):
    with pytest.raises(ValueError):
        cipher.open_temp_key(key)
