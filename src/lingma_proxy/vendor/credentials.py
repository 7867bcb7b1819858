"""What a request is signed with, and the three places where it is written down.

    cache/id + cache/user      what the IDE keeps: a machine id, and AES-128-CBC over JSON
                               with the id's first 16 bytes as key and as IV
    credentials.json           nested ({"auth": {…}}) or flat, as other programs export it
    LINGMA_COSY_KEY, …         four environment variables

`written` makes the second of them.  Whatever cannot be used is a ValueError whose sentence names the field or the step that
is at fault, and never a value.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lingma_proxy.jsonio import Json, JsonObject, dumpb, is_object, loads
from lingma_proxy.vendor.places import normalize_hint

BLOCK = 16
VARIABLES = {
    "cosy_key": "LINGMA_COSY_KEY",
    "encrypt_user_info": "LINGMA_ENCRYPT_USER_INFO",
    "user_id": "LINGMA_USER_ID",
    "machine_id": "LINGMA_MACHINE_ID",
}
REQUIRED = tuple(VARIABLES)
FIRST, LAST = 10**11, 253_370_764_800_000
"""Milliseconds that are a moment: from 1973, for fewer are seconds, to the year 9999."""
LONGEST_NUMBER = 20
"""Digits; more are no moment, and slow to read."""
SHOWABLE = 16
"""Characters of a value of which eight may be shown."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login.  Printing one shows where it came from, and nothing that signs."""

    cosy_key: str = field(repr=False)
    encrypt_user_info: str = field(repr=False)
    user_id: str = field(repr=False)
    machine_id: str = field(repr=False)
    expires_at: int | None = None
    """Unix time in milliseconds; None: nobody said."""
    user_type: str = ""
    """`personal_standard`, `enterprise_standard`, …; "" when nobody said."""
    organization_id: str = field(default="", repr=False)
    data_policy_agreed: bool | None = None
    """What the user chose in the IDE; None: not known."""
    base_url: str = ""
    """The address of the API that it is for; "" when nobody said."""
    source: str = ""
    """Where it was found, for people: "the IDE's login cache"."""

    def expired(self, now: float) -> bool:
        """Whether it ran out by `now` (Unix seconds).  For display: the vendor decides."""
        return self.expires_at is not None and self.expires_at <= now * 1000

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be written anywhere, the longest first: some hold others."""
        found = (self.cosy_key, self.encrypt_user_info, self.machine_id, self.user_id)
        return tuple(sorted(filter(None, found), key=len, reverse=True))

    def unseen_in(self, body: bytes) -> bytes:
        """What somebody answered, without what we had sent along: some repeat everything."""
        for own in self.secrets:
            body = body.replace(own.encode(), "[…]".encode())
        return body


def read_cache(id_text: str, user_text: str, source: str = "the IDE's login cache") -> Credentials:
    """The login in the texts of `cache/id` and `cache/user`."""
    machine_id = id_text.strip()
    user = _cache_object(decrypt(machine_id, user_text))
    return _credentials(
        {
            "cosy_key": user.get("key"),
            "encrypt_user_info": user.get("encrypt_user_info"),
            "user_id": user.get("uid"),
            "machine_id": machine_id,
        },
        names={"cosy_key": "key", "user_id": "uid"},
        where="the decrypted login cache",
        about=user,
        expires_at=user.get("expire_time"),
        source=source,
    )


def read_credential_file(text: str | bytes, source: str = "a credential file") -> Credentials:
    """The login in a credentials.json, of whichever program wrote it."""
    found = loads(text)
    if not is_object(found):
        raise ValueError("the credential file does not hold a JSON object")
    if not is_object(auth := found.get("auth")):
        return _credentials(
            found,
            where="the credential file",
            about=found,
            expires_at=found.get("token_expire_time", found.get("expire_time")),
            source=source,
        )
    return _credentials(
        auth,
        names={name: f"auth.{name}" for name in REQUIRED},
        where="the credential file",
        about=found | auth,
        expires_at=found.get("token_expire_time"),
        source=source,
    )


def read_environment(environment: Mapping[str, str]) -> Credentials | None:
    """The login in the environment; None when no variable of it is set."""
    found = {name: environment.get(variable, "") for name, variable in VARIABLES.items()}
    if not any(value.strip() for value in found.values()):
        return None
    return _credentials(
        found,
        names=VARIABLES,
        where="the environment",
        about={},
        expires_at=None,
        source="the environment",
    )


def decrypt(machine_id: str, text: str) -> bytes:
    """What the IDE encrypted with its machine id."""
    # 25 ms and 6 MB that a start, and a login that is not the IDE's, need not pay.
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415  # see above
        Cipher,
        algorithms,
        modes,
    )
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415  # see above

    key = machine_id.encode()[:BLOCK]
    if len(key) < BLOCK:
        raise ValueError("the machine id has fewer than 16 characters")
    try:
        sealed = b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ValueError("the login cache is not base64") from None
    if not sealed or len(sealed) % BLOCK:
        raise ValueError("the login cache is cut off: it is not made of whole cipher blocks")
    opener = Cipher(algorithms.AES128(key), modes.CBC(key)).decryptor()
    padded = opener.update(sealed) + opener.finalize()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise ValueError("the login cache was encrypted with another machine id") from None


def expiry(value: Json) -> int | None:
    """Milliseconds from a number, from digits, or from an RFC 3339 date; None if unknown.

    The vendor writes milliseconds, as a number or as digits.  Seconds are told from them by
    their size.  What is no moment at all (0, a negative number, how long something lasts, the
    end of all days) is not known.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _moment(value)
        case str() if value.strip().isascii() and value.strip().isdecimal():
            return _moment(int(value.strip()[:LONGEST_NUMBER]))
        case str():
            try:
                moment = datetime.fromisoformat(value.strip())
                seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                return None
            return _moment(seconds * 1000)
        case _:
            return None


def _moment(number: float) -> int | None:
    if FIRST <= number < LAST:
        return int(number)
    return int(number * 1000) if FIRST <= number * 1000 < LAST else None


def written(login: Credentials) -> bytes:
    """The login as a credential file, as Lingma Proxy 1.6 and `read_credential_file` read it.

    What else we know of it stands beside: others pass over what they do not know.
    """
    known: JsonObject = {
        "user_type": login.user_type,
        "organization_id": login.organization_id,
        "data_policy_agreed": login.data_policy_agreed,
        "base_url": _address(login.base_url),
    }
    file: JsonObject = {
        "source": "lingma-proxy",
        "token_expire_time": str(login.expires_at or 0),
        "auth": {name: getattr(login, name) for name in REQUIRED},
        **{name: value for name, value in known.items() if value not in {"", None}},
    }
    return dumpb(file) + b"\n"


def masked(value: str) -> str:
    """The first and the last four characters: enough to tell one from another."""
    return f"{value[:4]}…{value[-4:]}" if len(value) >= SHOWABLE else "…"


def _cache_object(plain: bytes) -> JsonObject:
    try:
        value = loads(plain)
    except ValueError:
        value = None
    if not is_object(value):
        raise ValueError("the login cache was encrypted with another machine id, or is damaged")
    return value


def _credentials(
    found: Mapping[str, Json],
    *,
    names: Mapping[str, str] = {},
    where: str,
    about: Mapping[str, Json],
    expires_at: Json,
    source: str,
) -> Credentials:
    """Checked, or refused by the name that the field has where it was found."""
    values = {
        name: _value(found.get(name), f"{where} has no {names.get(name, name)}")
        for name in REQUIRED
    }
    agreed = about.get("data_policy_agreed")
    return Credentials(
        **values,
        expires_at=expiry(expires_at),
        user_type=_word(about.get("user_type")),
        organization_id=_word(about.get("organization_id")),
        data_policy_agreed=agreed if isinstance(agreed, bool) else None,
        base_url=_address(about.get("base_url")),
        source=source,
    )


def _value(value: Json, missing: str) -> str:
    """A value that may stand in a header."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError(missing)
    if not _word(text):
        raise ValueError(f"{missing} that could be sent: it holds blanks or special characters")
    return text


def _address(value: Json) -> str:
    """One of the vendor's own hosts, else nothing: a login goes there."""
    return normalize_hint(value) if isinstance(value, str) else ""


def _word(value: Json) -> str:
    """The value if it can stand in a header as one word, else nothing."""
    match value:
        case str() if value.isascii() and value.isprintable() and " " not in value:
            return value
        case _:
            return ""
