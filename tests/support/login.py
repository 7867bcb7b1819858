"""Made-up logins on disk, written the way the IDE writes them."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from support.vectors import vectors

CACHE = vectors("login_cache")
MACHINE_ID: str = CACHE["machine_id"]


def user(**changes: Any) -> dict[str, Any]:
    """The identity that the IDE keeps."""
    return {**json.loads(CACHE["cache_user"]["plaintext_json"]), **changes}


def sealed(machine_id: str, plain: bytes) -> str:
    key = machine_id.encode()[:16]
    padder = PKCS7(128).padder()
    cipher = Cipher(algorithms.AES128(key), modes.CBC(key)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return b64encode(cipher.update(padded) + cipher.finalize()).decode()


def write_cache(
    runtime: Path, machine_id: str = MACHINE_ID, *, id: bool = True, **changes: Any
) -> None:
    """A login below a runtime folder; with `id=False` the machine id is not written."""
    cache = runtime / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "user").write_text(sealed(machine_id, json.dumps(user(**changes)).encode()))
    if id:
        (cache / "id").write_text(machine_id + "\n")
