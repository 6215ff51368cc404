"""The transport over real sockets, in its surroundings: certificates and processes."""

import asyncio
import sys
from pathlib import Path

import httpx2
import pytest

from tests.adapters.conftest import MakeTransport
from tests.adapters.transport_identity import Identity
from tests.adapters.transport_peer import SMALL, ask, keeping_alive, saying, serve, whole

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


async def test_an_untrusted_certificate_is_refused(transport: httpx2.AsyncBaseTransport, identity: Identity) -> None:
    async with serve(saying(SMALL), identity.server) as peer:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/", read=5))
    assert peer.received == []


@pytest.mark.parametrize("position", ["alone", "in-a-bundle"])
async def test_a_certificate_that_is_given_is_trusted(
    make_transport: MakeTransport, identity: Identity, tmp_path: Path, position: str
) -> None:
    (tmp_path / "other").mkdir()
    pem = identity.pem if position == "alone" else Identity(tmp_path / "other").pem + identity.pem
    async with serve(saying(SMALL), identity.server) as peer, make_transport(ca_pem=pem) as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_the_certificates_of_ssl_cert_file_are_trusted(
    make_transport: MakeTransport, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(identity.path))
    async with serve(saying(SMALL), identity.server) as peer, make_transport() as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_requests_over_tls_share_a_connection_too(make_transport: MakeTransport, identity: Identity) -> None:
    async with serve(keeping_alive(), identity.server) as peer, make_transport(ca_pem=identity.pem) as transport:
        for _ in range(3):
            response = await transport.handle_async_request(
                ask(f"https://127.0.0.1:{peer.port}/", content=b"x", read=60)
            )
            assert await whole(response) == b"hi"
    assert (peer.connections, len(peer.received)) == (1, 3)


async def test_certificates_that_are_none_are_a_connect_error(make_transport: MakeTransport) -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"
    async with make_transport(ca_pem=pem) as transport:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask("https://127.0.0.1:9/"))


async def test_a_transport_made_before_a_fork_works_after_it() -> None:
    script = """if True:
        import asyncio, os, sys
        import httpx2
        from adapters.providers.transport import Http1Transport

        transport = Http1Transport()

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
