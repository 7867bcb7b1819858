"""The composition root, the only place that knows all below it.  Settings stop here."""

from lingma_proxy.gateway.front import Serving, is_loopback, serving
from lingma_proxy.gateway.renewal import Renewal, renewed
from lingma_proxy.gateway.stack import Gateway, assemble, over
from lingma_proxy.gateway.ways import (
    Behind,
    Closing,
    agent_of,
    agents_installed,
    discovery_of,
    login_of,
    remote,
    whoever_answers,
)

__all__ = [
    "Behind",
    "Closing",
    "Gateway",
    "Renewal",
    "Serving",
    "agent_of",
    "agents_installed",
    "assemble",
    "discovery_of",
    "is_loopback",
    "login_of",
    "over",
    "remote",
    "renewed",
    "serving",
    "whoever_answers",
]
