"""Whether a request is signed as the vendor demands, byte for byte.

Authorization: Bearer COSY.<P>.<signature>
P         = base64({"cosyVersion","ideVersion","info","requestId","version":"v1"})
signature = md5(P ⏎ Cosy-Key ⏎ Cosy-Date ⏎ raw body ⏎ path without /algo), lower case
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lingma_proxy.jsonio import loads
from lingma_proxy.simulator import cipher
from lingma_proxy.simulator.refusal import bad_header, bad_payload, bad_signature, bad_user

REQUIRED = (
    "Authorization",
    "Content-Type",
    "Accept",
    "Cache-Control",
    "Cosy-Date",
    "Cosy-Key",
    "Cosy-Version",
    "Cosy-Clienttype",
    "Cosy-Machineid",
    "Cosy-User",
    "Login-Version",
    "User-Agent",
)
"""What both of two programs send that are known to work, each on another host."""

REMEMBERED = 10_000
"""Request ids kept for the protection against replays."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request."""

    uid: str
    machine_id: str
    cosy_key: str
    request_id: str
    """New for every HTTP request."""


class Verifier:
    """Raises a Refusal for whatever is wrong with a signed request.

    How far a clock may be off and whether a request id may come twice is not known of
    the vendor, so neither is looked at unless asked for.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        max_skew: float | None = None,
        *,
        refuse_replays: bool = False,
    ) -> None:
        self._clock = clock
        self._max_skew = max_skew
        self._refuse_replays = refuse_replays
        self._request_ids: OrderedDict[str, None] = OrderedDict()
        self.revoked: set[str] = set()
        """Values of `Cosy-Key` that are no longer taken: a newer login replaced them."""

    def verify(self, path: str, headers: Mapping[str, str], body: bytes) -> Caller:
        """`path` is the raw path without its query; `headers` ignores case."""
        for name in REQUIRED:
            if name not in headers:
                raise bad_header(f"the header {name} is missing")
        payload, signature = split(headers["Authorization"])
        said = read(payload)
        key, date = headers["Cosy-Key"], headers["Cosy-Date"]
        sig_path = path.removeprefix("/algo")
        expected = sign(payload, key, date, body, sig_path)
        if signature != expected:
            raise bad_signature(f"the signature of {len(body)} bytes for {sig_path} is another one")
        if key in self.revoked:
            raise bad_signature("a newer login has replaced this key")
        caller = Caller(
            uid=owner(key, said["info"]),
            machine_id=headers["Cosy-Machineid"],
            cosy_key=key,
            request_id=said["requestId"],
        )
        if caller.uid != headers["Cosy-User"]:
            raise bad_user("Cosy-User is not the uid in the payload's info")
        if said["cosyVersion"] != headers["Cosy-Version"]:
            raise bad_header("Cosy-Version is not the payload's cosyVersion")
        if headers["Login-Version"] != "v2":
            raise bad_header("Login-Version is not v2")
        if len(caller.machine_id) < 16:
            raise bad_header("Cosy-Machineid has fewer than 16 characters")
        check_claims(headers, body, sig_path)
        self._check_time(date)
        self._check_replay(caller.request_id)
        return caller

    def _check_time(self, date: str) -> None:
        if not (date.isascii() and date.isdigit()):
            raise bad_header("Cosy-Date is not a decimal number of seconds")
        if self._max_skew is not None and abs(int(date) - self._clock()) > self._max_skew:
            raise bad_signature("Cosy-Date is too far from the simulator's clock")

    def _check_replay(self, request_id: str) -> None:
        if not self._refuse_replays:
            return
        if request_id in self._request_ids:
            raise bad_signature("this requestId has been used before")
        self._request_ids[request_id] = None
        if len(self._request_ids) > REMEMBERED:
            self._request_ids.popitem(last=False)


def split(authorization: str) -> tuple[str, str]:
    """The payload and the signature of a bearer."""
    scheme, _, token = authorization.partition(" ")
    pieces = token.split(".")
    if scheme != "Bearer" or len(pieces) != 3 or pieces[0] != "COSY":
        raise bad_payload("Authorization is not Bearer COSY.<payload>.<signature>")
    return pieces[1], pieces[2]


def read(payload: str) -> dict[str, str]:
    """The five strings that a payload holds."""
    try:
        said = loads(cipher.strict_base64(payload))
    except ValueError as error:
        raise bad_payload(str(error)) from None
    names = {"cosyVersion", "ideVersion", "info", "requestId", "version"}
    if (
        not isinstance(said, dict)
        or set(said) != names
        or not all(isinstance(value, str) for value in said.values())
    ):
        raise bad_payload("the payload is not an object of the five strings")
    if said["version"] != "v1":
        raise bad_payload("the payload's version is not v1")
    if not said["requestId"]:
        raise bad_payload("the payload's requestId is empty")
    return said


def sign(payload: str, cosy_key: str, date: str, body: bytes, sig_path: str) -> str:
    before = f"{payload}\n{cosy_key}\n{date}\n".encode()
    return hashlib.md5(before + body + f"\n{sig_path}".encode()).hexdigest()


def owner(cosy_key: str, info: str) -> str:
    """The uid that the key and the info agree on."""
    try:
        identity = loads(cipher.open_info(cipher.open_temp_key(cosy_key), info))
    except ValueError as error:
        raise bad_signature(f"Cosy-Key and info do not belong together: {error}") from None
    match identity:
        case {"uid": str(uid)} if uid:
            return uid
    raise bad_user("there is no uid in the payload's info")


def check_claims(headers: Mapping[str, str], body: bytes, sig_path: str) -> None:
    """Headers that may be left out, but must be true when they are there."""
    claims = {
        "Cosy-BodyHash": hashlib.md5(body).hexdigest(),
        "Cosy-BodyLength": str(len(body)),
        "Cosy-SigPath": sig_path,
    }
    for name, truth in claims.items():
        if headers.get(name, truth) != truth:
            raise bad_header(f"{name} is {headers[name]!r}, but should be {truth!r}")
