"""How the vendor hides things, written down a second time: RSA, AES and `Encode=1`.

Nothing here is shared with `vendor/`.  Where the two disagree, one of them has misread
the notes, and a test on a real socket finds out.

The RSA key pair is made up and public.  It opens nothing but what `home.write_home` and
the tests seal; the vendor's own key is another one.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MODULUS = int(
    "b65194a935a052c416ca2337806d2c3aa46e0bc739fc5ddd0f222c7f45e18e5b"
    "fa1594f8fcd23522ccbb65f9c5d2c467db64f44fdbeceb467669ba17d897052d"
    "370e9454f29053f34e8ab5555941799437eda63f56ba08e92b0d6ef7e6cfa984"
    "6ab6fd4ba40d385d2cf37ab8cfd521d539663715ae7b9a5abf22f9554e922e4d",
    16,
)
PUBLIC_EXPONENT = 65537
PRIVATE_EXPONENT = int(
    "17131b2c1147f1c1b49aafbb5a0b373252d644b259d1e9754d71874d32647a36"
    "84dfcf6375e80ae6951fd0a7bc9450dc4e25a8502527069dfbe5a4b258ecc030"
    "4236a42ae996e96c6cf6e0aaa8c50ee0917a87cdd4565bba92305bf0ed0db775"
    "7aa2fb15ede5ed90f2ae8c632cb0814d294c90be50d1958f1a14b5bf74aaa4a7",
    16,
)
KEY_BYTES = 128
BLOCK = 16

STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
CUSTOM = "_doRTgHZBKcGVjlvpC,@aFSx#DPuNJme&i*MzLOEn)sUrthbf%Y^w.(kIQyXqWA!$"
_FROM_CUSTOM = {ord(custom): standard for custom, standard in zip(CUSTOM, STANDARD, strict=True)}


def aes_encrypt(key: bytes, data: bytes) -> bytes:
    """AES-128-CBC with the key as its own IV, PKCS#7."""
    missing = BLOCK - len(data) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key)).encryptor()
    return encryptor.update(data + bytes([missing]) * missing) + encryptor.finalize()


def aes_decrypt(key: bytes, data: bytes) -> bytes:
    """The other way.  Raises ValueError; every byte of the padding is looked at."""
    if len(key) != BLOCK:
        raise ValueError(f"an AES key has {BLOCK} bytes, not {len(key)}")
    if not data or len(data) % BLOCK:
        raise ValueError(f"{len(data)} bytes are no whole number of AES blocks")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key)).decryptor()
    plain = decryptor.update(data) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("the AES padding is wrong")
    return plain[:-padding]


def seal_temp_key(temp_key: str, random: Callable[[int], bytes]) -> str:
    """A `cosy_key`: the temp key under RSA (PKCS#1 v1.5, block type 2), as base64."""
    message = temp_key.encode("ascii")
    noise = b""
    while len(noise) < KEY_BYTES - 3 - len(message):
        noise += random(KEY_BYTES).replace(b"\0", b"")
    filled = b"\0\2" + noise[: KEY_BYTES - 3 - len(message)] + b"\0" + message
    sealed = pow(int.from_bytes(filled), PUBLIC_EXPONENT, MODULUS)
    return b64encode(sealed.to_bytes(KEY_BYTES)).decode()


@lru_cache(64)
def open_temp_key(cosy_key: str) -> str:
    """The temp key in a `cosy_key`.  Raises ValueError with what is wrong with it."""
    sealed = strict_base64(cosy_key)
    if len(sealed) != KEY_BYTES:
        raise ValueError(f"the key holds {len(sealed)} bytes, not {KEY_BYTES}")
    filled = pow(int.from_bytes(sealed), PRIVATE_EXPONENT, MODULUS).to_bytes(KEY_BYTES)
    noise, zero, message = filled[2:].partition(b"\0")
    if filled[:2] != b"\0\2" or len(noise) < 8 or not zero:
        raise ValueError("the key was not sealed for this simulator")
    if len(message) != BLOCK or not message.isascii():
        raise ValueError(f"the temp key is not {BLOCK} ASCII characters")
    return message.decode()


def seal_info(temp_key: str, identity: bytes) -> str:
    """An `encrypt_user_info`: the identity under the temp key, as base64."""
    return b64encode(aes_encrypt(temp_key.encode("ascii"), identity)).decode()


def open_info(temp_key: str, info: str) -> bytes:
    """The identity in an `encrypt_user_info`.  Raises ValueError."""
    return aes_decrypt(temp_key.encode("ascii"), strict_base64(info))


def decode1(text: str) -> bytes:
    """What a body with `Encode=1` says.  Raises ValueError.

    The text is base64 in an alphabet of its own; its first and its last third are
    exchanged, the middle (which takes what does not divide by three) stays.
    """
    if strange := {character for character in text if ord(character) not in _FROM_CUSTOM}:
        raise ValueError(f"{min(strange)!r} is not in the alphabet of Encode=1")
    third = len(text) // 3
    end = len(text) - third
    turned = text[end:] + text[third:end] + text[:third]
    return strict_base64(turned.translate(_FROM_CUSTOM))


def strict_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"this is not base64: {error}") from None
