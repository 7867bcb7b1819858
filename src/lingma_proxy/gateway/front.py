"""What the server in front needs to know, as plain values."""

from dataclasses import dataclass, field
from ipaddress import ip_address

from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import Settings


@dataclass(frozen=True)
class Serving:
    host: str = "127.0.0.1"
    port: int = 8095
    api_key: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body: int = 32 * 2**20
    """Bytes."""
    heartbeat: float = 10.0
    """Seconds of silence after which a stream gets a sign of life."""
    shutdown_grace: float = 10.0
    """Seconds that streams have to end when the server stops."""
    claude_names: bool = False
    """Whether `/v1/models` also lists `claude-<key>` for each model."""
    reads_files: bool = False
    """Whether clients may name pictures by their paths."""


def serving(settings: Settings) -> Serving:
    """Raises SettingsError where the settings would open the login to the network."""
    if not (is_loopback(settings.host) or settings.api_key or settings.open_bind):
        raise SettingsError(
            f"Listening on {settings.host} lets others on the network use your login."
            " Set a key (`api_key`), or say that you mean it (`--open-bind`)."
        )
    return Serving(
        host=settings.host,
        port=settings.port,
        api_key=settings.api_key,
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        max_body=settings.max_body_mb * 2**20,
        heartbeat=settings.heartbeat,
        shutdown_grace=settings.shutdown_grace,
        claude_names=settings.claude_names,
        reads_files=bool(settings.image_folders),
    )


def is_loopback(host: str) -> bool:
    """Whether a host that one can bind to is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
