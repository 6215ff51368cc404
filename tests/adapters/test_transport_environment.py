"""The transport over real sockets, in its surroundings: proxies, certificates, processes."""

import asyncio
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.providers.transport import PyreqwestTransport
from tests.adapters.transport_peer import SMALL, ask, saying, serve, whole

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


async def test_proxies_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(saying(SMALL)) as direct, serve(saying(SMALL, SMALL)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with PyreqwestTransport() as transport:
            assert await whole(await transport.handle_async_request(ask("http://far.invalid/a"))) == b"hi"
            assert await whole(await transport.handle_async_request(ask(direct.url))) == b"hi"
    assert [heard.split(b"\r\n")[0] for heard in proxy.heard] == [b"POST http://far.invalid/a HTTP/1.1"]
    assert len(direct.heard) == 1


class Identity:
    """A self-signed certificate for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.path = folder / "certificate.pem"
        self.path.write_bytes(self.pem)
        key_path = folder / "key.pem"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.load_cert_chain(self.path, key_path)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path)


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    transport: PyreqwestTransport, identity: Identity
) -> None:
    async with serve(saying(SMALL), identity.server) as peer:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/", read=5))
    assert peer.heard == []


@pytest.mark.parametrize("position", ["alone", "in-a-bundle"])
async def test_a_certificate_that_is_given_is_trusted(identity: Identity, tmp_path: Path, position: str) -> None:
    (tmp_path / "other").mkdir()
    pem = identity.pem if position == "alone" else Identity(tmp_path / "other").pem + identity.pem
    async with serve(saying(SMALL), identity.server) as peer, PyreqwestTransport(ca_pem=pem) as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_the_certificates_of_ssl_cert_file_are_trusted(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(identity.path))
    async with serve(saying(SMALL), identity.server) as peer, PyreqwestTransport() as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_certificates_that_are_none_are_a_connect_error() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"
    async with PyreqwestTransport(ca_pem=pem) as transport:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask("https://127.0.0.1:9/"))


async def test_a_transport_made_before_a_fork_works_after_it() -> None:
    script = """if True:
        import asyncio, os, sys
        import httpx2
        from adapters.providers.transport import PyreqwestTransport

        transport = PyreqwestTransport()

        async def main():
            response = await transport.handle_async_request(httpx2.Request("GET", sys.argv[1]))
            body = await response.aread()
            await transport.aclose()
            return body

        if child := os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0 if asyncio.run(main()) == b"hi" else 1)
    """
    async with serve(saying(SMALL)) as peer:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, peer.url, stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await process.communicate()
        assert (process.returncode, complaint) == (0, b"")
