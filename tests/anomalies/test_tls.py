"""The way to the vendor is encrypted, or should be: nobody is trusted who cannot prove who he is.

Each failure is an error that says so, in bounded time, before the first event; nothing is left.
"""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lingma_proxy.jsonio import loads
from support.raw import reset
from support.remains import nothing_more_than, remains
from support.served import CHAT, MESSAGES
from support.simulated import simulated

ASKED = {
    "chat": ("/v1/chat/completions", CHAT),
    "messages, streamed": ("/v1/messages", {**MESSAGES, "stream": True}),
}


def self_signed(folder):
    """A context for a server on 127.0.0.1 for which nobody vouches."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@asynccontextmanager
async def vendor(say, context=None):
    """Its URL.  `say` is what it does with a connection once there is one."""
    serving: set = set()

    async def serve(reader, writer):
        serving.add(asyncio.current_task())
        try:
            await say(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*serving)


async def closes_at_once(reader, writer):
    pass


async def resets(reader, writer):
    await reader.readexactly(50)  # in the middle of the greeting
    reset(writer)


async def closes_midway(reader, writer):
    await reader.readexactly(50)
    writer.write(b"\x16\x03\x03\x00\x7a\x02")  # the beginning of a greeting


async def speaks_http(reader, writer):
    await reader.readexactly(50)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def keeps_silent(reader, writer):
    await reader.read()


HANDSHAKES = {
    "closes at once": (closes_at_once, 503),
    "resets": (resets, 503),
    "closes midway": (closes_midway, 503),
    "speaks HTTP": (speaks_http, 503),
    "keeps silent": (keeps_silent, 504),
}


async def refusals(url, asked, **settings):
    """The status and the message; asked twice, so that what the first one left is seen."""
    path, body = asked
    async with simulated(remote_base_url=url, **settings) as (served, simulator):
        before = None
        for _ in range(2):
            answer, data = await served.post(path, body)
            await nothing_more_than(before or remains(served), served)
            before = before or remains(served)
        assert str(simulator.home).encode() not in data
        assert simulator.login.cosy_key.encode() not in data
    return answer.status, loads(data)["error"]["message"]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(asked, tmp_path):
    async with vendor(keeps_silent, self_signed(tmp_path)) as url:
        status, message = await refusals(url, asked)

    assert status == 503
    assert "The certificate of 127.0.0.1 is not trusted" in message


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(("say", "expected"), HANDSHAKES.values(), ids=HANDSHAKES)
async def test_a_handshake_that_fails_is_an_error_in_bounded_time(say, expected, asked):
    async with vendor(say) as url, asyncio.timeout(20):
        status, message = await refusals(url, asked, connect_timeout=0.4)

    assert status == expected, message
    assert "127.0.0.1" in message
