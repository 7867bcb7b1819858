"""What the failures of an HTTP connection to the vendor mean, in our words."""

import aiohttp

from lingma_proxy.errors import BackendUnavailable, ConnectTimeout, ProtocolError, ProxyError


def meanings(
    host: str, connect: float | None
) -> dict[type[BaseException], tuple[type[ProxyError], str]]:
    """For `errors.translated`, the more particular ones first.  `connect` is in seconds."""
    check = "Check the network, and the setting remote_base_url."
    return {
        aiohttp.ConnectionTimeoutError: (
            ConnectTimeout,
            f"{host} could not be reached within {connect or 0:g} seconds. {check}",
        ),
        aiohttp.ClientConnectorDNSError: (
            BackendUnavailable,
            f"The name {host} is not known to the network. {check}",
        ),
        aiohttp.ClientConnectorCertificateError: (
            BackendUnavailable,
            f"The certificate of {host} is not trusted: SSL_CERT_FILE can name the network's own.",
        ),
        aiohttp.ClientProxyConnectionError: (
            BackendUnavailable,
            "The proxy in remote_proxy_url cannot be reached.",
        ),
        aiohttp.ClientHttpProxyError: (
            BackendUnavailable,
            "The proxy in remote_proxy_url refuses the connection.",
        ),
        aiohttp.ClientConnectorError: (BackendUnavailable, f"{host} cannot be reached. {check}"),
        aiohttp.ClientResponseError: (
            ProtocolError,
            f"{host} answered something that is not HTTP.",
        ),
        aiohttp.InvalidURL: (ProtocolError, "The base URL is none. Check remote_base_url."),
        aiohttp.ClientError: (
            BackendUnavailable,
            f"{host} closed the connection without an answer. Try again.",
        ),
        OSError: (BackendUnavailable, f"The connection to {host} failed. {check}"),
    }
