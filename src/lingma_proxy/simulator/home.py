"""A made-up login cache on disk, such as the IDE would leave it.

    <runtime>/cache/id       the machine id, in plain text
    <runtime>/cache/user     base64(AES-128-CBC(first 16 characters of the machine id, JSON))
    <runtime>/logs/lingma.log    where the machine id stands when `cache/id` does not exist

Its person does not exist, and its key is sealed with the simulator's own public key, so
no vendor would take it.
"""

import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.simulator import cipher

LAYOUTS = (
    ".qodercn",
    ".qodercn/vscode/sharedClientCache",
    "Library/Application Support/QoderCN/SharedClientCache",
    "Library/Application Support/Qoder/SharedClientCache",
    ".config/QoderCN",
    ".local/share/QoderCN",
    ".lingma",
    ".lingma/vscode/sharedClientCache",
    "Library/Application Support/Lingma/SharedClientCache",
    ".config/Lingma",
    ".local/share/Lingma",
)
"""Where a runtime may lie below the home of its person, in the order of the search."""

APPDATA_LAYOUTS = (
    "QoderCN",
    "qodercn",
    "QoderCN/SharedClientCache",
    "Qoder",
    "Qoder/SharedClientCache",
    "Lingma",
    "lingma",
    "Lingma/SharedClientCache",
)
"""Below APPDATA, LOCALAPPDATA and ProgramData."""

XDG_LAYOUTS = ("QoderCN", "Lingma")
"""Below XDG_CONFIG_HOME."""

LIFETIME = 60 * 24 * 3600
"""Seconds that a fresh login is good for."""


@dataclass(frozen=True, slots=True)
class Login:
    """A person who does not exist, logged in."""

    machine_id: str
    uid: str
    temp_key: str = field(repr=False)
    cosy_key: str = field(repr=False)
    expire_time: int
    """Milliseconds of Unix time."""
    name: str = "Simulated Person"
    security_oauth_token: str = field(default="pt-simulated", repr=False)
    refresh_token: str = field(default="rt-simulated", repr=False)
    organization_id: str = ""
    user_type: str = "personal_standard"

    @property
    def info(self) -> str:
        """`encrypt_user_info`: who the person is, under the temp key."""
        return cipher.seal_info(self.temp_key, dumpb(self._identity(key="", info="")))

    def cache_user(self, *, string_expiry: bool = False) -> JsonObject:
        """What `cache/user` holds, decrypted."""
        return self._identity(key=self.cosy_key, info=self.info) | {
            "expire_time": str(self.expire_time) if string_expiry else self.expire_time,
            "user_type": self.user_type,
            "data_policy_agreed": True,
            "is_data_policy_modifiable": True,
        }

    def _identity(self, *, key: str, info: str) -> JsonObject:
        return {
            "name": self.name,
            "aid": self.uid,
            "uid": self.uid,
            "yx_uid": "",
            "organization_id": self.organization_id,
            "organization_name": "",
            "staffId": "",
            "avatar_url": "",
            "key": key,
            "encrypt_user_info": info,
            "user_source_channel": "",
            "security_oauth_token": self.security_oauth_token,
            "refresh_token": self.refresh_token,
            "expire_time": 0,
            "user_type": "",
            "data_policy_agreed": False,
            "email": "",
            "is_data_policy_modifiable": False,
            "is_quota_exceeded": False,
            "organization_tags": None,
        }


def new_login(
    *,
    random: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], float] = time.time,
    lifetime: float = LIFETIME,
) -> Login:
    """Somebody new.  A negative lifetime makes a login that has run out."""
    temp_key = random(8).hex()
    return Login(
        machine_id=str(UUID(bytes=random(16), version=4)),
        uid=str(9 * 10**15 + int.from_bytes(random(8)) % 10**15),
        temp_key=temp_key,
        cosy_key=cipher.seal_temp_key(temp_key, random),
        expire_time=int((clock() + lifetime) * 1000),
    )


def write_home(
    folder: Path,
    login: Login | None = None,
    *,
    layout: str = "",
    id_file: bool = True,
    string_expiry: bool = False,
    corrupt: bool = False,
) -> Login:
    """Write a login cache and say whose it is; a login that is there is replaced.

    `folder` is the runtime directory itself, as `LINGMA_CACHE_DIR` names it, or with a
    `layout` (one of `LAYOUTS`) the home below which the runtime lies.  Without `id_file`
    the machine id stands only in the log.  `corrupt` writes half of `cache/user`.
    """
    login = login or new_login()
    runtime = folder / layout
    cache, logs = runtime / "cache", runtime / "logs"
    for directory in (cache, logs):
        make_private(directory)
    if id_file:
        write_private(cache / "id", login.machine_id.encode())
    else:
        (cache / "id").unlink(missing_ok=True)
        line = f"2026-11-22 12:00:00 info using machine id from file: {login.machine_id}\n"
        write_private(logs / "lingma.log", line.encode())
    user = cache_file(login, string_expiry=string_expiry)
    write_private(cache / "user", user[: len(user) // 2] if corrupt else user)
    return login


def cache_file(login: Login, *, string_expiry: bool = False) -> bytes:
    """The bytes of `cache/user`."""
    key = login.machine_id[: cipher.BLOCK].encode("ascii")
    return b64encode(cipher.aes_encrypt(key, dumpb(login.cache_user(string_expiry=string_expiry))))


def write_credentials(path: Path, login: Login) -> None:
    """The login as a credential file, for programs without a cache beside them."""
    make_private(path.parent)
    auth = {
        "cosy_key": login.cosy_key,
        "encrypt_user_info": login.info,
        "user_id": login.uid,
        "machine_id": login.machine_id,
    }
    write_private(
        path,
        dumpb({"source": "simulator", "token_expire_time": str(login.expire_time), "auth": auth}),
    )


def make_private(directory: Path) -> None:
    """The directory and what is missing above it, for nobody but its owner."""
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that a reader sees the old one or the new one."""
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    aside.replace(path)
