r"""How a request to the vendor is signed, and the headers that go with it.

    P             = base64( {"cosyVersion", "ideVersion", "info", "requestId", "version"} )
    signature     = md5( P \n cosy key \n unix seconds \n body as sent \n path without /algo )
    Authorization = Bearer COSY.P.signature

Nothing here tells the vendor more than it needs: no heartbeat, no telemetry, and no
header that identifies a machine beyond the id that the login itself is bound to.
"""

from base64 import b64encode
from hashlib import md5
from urllib.parse import urlsplit

from lingma_proxy import __version__
from lingma_proxy.jsonio import dumpb
from lingma_proxy.vendor.credentials import Credentials

COSY_VERSION = "2.11.2"
"""The version of the vendor's plugin whose protocol this is."""


def signed_path(url: str) -> str:
    """The part of a URL that is signed: its path, without one leading `/algo`."""
    return urlsplit(url).path.removeprefix("/algo")


def client_type(cosy_version: str) -> str:
    """What the vendor calls the kind of client: its plugin is at 2.x, its desktop app at 0.x."""
    return "0" if cosy_version.startswith("0.") else "2"


def machine_os(system: str, machine: str) -> str:
    """The vendor's word for a platform: `x86_64_linux`, `aarch64_darwin`."""
    system = {"win32": "windows", "nt": "windows"}.get(system.lower(), system.lower())
    if machine.lower() in {"arm64", "aarch64"}:
        return "aarch64_darwin" if system == "darwin" else f"arm64_{system}"
    return f"x86_64_{system}"


def bearer(
    info: str,
    cosy_key: str,
    *,
    url: str,
    body: bytes,
    date: int,
    request_id: str,
    cosy_version: str = COSY_VERSION,
) -> str:
    """The value of `Authorization`.  `body` is what goes over the wire, encoded or not."""
    payload = b64encode(
        dumpb(
            {
                "cosyVersion": cosy_version,
                "ideVersion": "",
                "info": info,
                "requestId": request_id,
                "version": "v1",
            }
        )
    )
    digest = md5(b"%b\n%b\n%d\n" % (payload, cosy_key.encode(), date), usedforsecurity=False)
    digest.update(body)
    digest.update(b"\n" + signed_path(url).encode())
    return f"Bearer COSY.{payload.decode()}.{digest.hexdigest()}"


def headers(
    credentials: Credentials,
    *,
    url: str,
    body: bytes = b"",
    date: int,
    request_id: str,
    accept: str = "text/event-stream",
    platform: str = "x86_64_linux",
    cosy_version: str = COSY_VERSION,
) -> dict[str, str]:
    """All headers of one request.  `date` is Unix time, the same here and in the bearer."""
    found = {
        "Authorization": bearer(
            credentials.encrypt_user_info,
            credentials.cosy_key,
            url=url,
            body=body,
            date=date,
            request_id=request_id,
            cosy_version=cosy_version,
        ),
        "Content-Type": "application/json",
        "Accept": accept,
        # A compressed event stream would arrive in lumps.
        "Accept-Encoding": "identity",
        "Cache-Control": "no-cache",
        "User-Agent": f"lingma-proxy/{__version__}",
        "Appcode": "cosy",
        "Cosy-Date": str(date),
        "Cosy-Key": credentials.cosy_key,
        "Cosy-User": credentials.user_id,
        "Cosy-Machineid": credentials.machine_id,
        "Cosy-Version": cosy_version,
        "Cosy-Clienttype": client_type(cosy_version),
        # From the range that is kept for measurements: nobody's address.
        "Cosy-Clientip": "198.18.0.1",
        "Cosy-Machineos": platform,
        "Cosy-Machinetoken": "",
        "Cosy-Machinetype": "",
        "Cosy-Organization-Id": credentials.organization_id,
        "Cosy-SigPath": signed_path(url),
        "Login-Version": "v2",
    }
    if credentials.data_policy_agreed is not None:
        found["Cosy-Data-Policy"] = "AGREE" if credentials.data_policy_agreed else "DISAGREE"
    if body:
        found["Cosy-BodyHash"] = md5(body, usedforsecurity=False).hexdigest()
        found["Cosy-BodyLength"] = str(len(body))
    return found
