"""Aurora DSQL: tokens of IAM in place of passwords, TLS always, and tables made without what it refuses."""

import asyncio
import itertools
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")
pytest.importorskip("botocore", reason="its package is not installed")

from adapters.storage.postgres.sign_in import SignIn, sign_in_of
from adapters.storage.postgres.storage import PostgresStorage
from ports.books import StorageError
from tests.adapters.storage_rules import a_user, hold_one, open_account
from tests.adapters.transport_identity import Identity
from tests.support.postgres import Server, new_books, server_or_skip
from tests.support.postgres_books import StrictConnection

pytestmark = pytest.mark.anyio

CLUSTER = "abc123.dsql.eu-west-1.on.aws"
_SSL_REQUEST = struct.pack("!ll", 8, 80877103)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize(
    ("user", "action"), [("admin", "DbConnectAdmin"), ("aihub", "DbConnect"), ("admin2", "DbConnect")]
)
async def test_a_token_is_signed_for_the_cluster_its_region_and_the_role(
    credentials: None, user: str, action: str
) -> None:
    sign_in = sign_in_of(f"postgresql://{user}@{CLUSTER}/postgres")
    assert sign_in is not None

    token = urlsplit("//" + await sign_in.password())

    assert token.netloc == CLUSTER
    query = parse_qs(token.query)
    assert query["Action"] == [action]
    assert query["X-Amz-Credential"][0].endswith("/eu-west-1/dsql/aws4_request")
    assert int(query["X-Amz-Expires"][0]) <= 900


@pytest.mark.parametrize(
    ("host", "is_cluster"),
    [
        (CLUSTER, True),
        ("ABC123.dsql.us-east-2.on.aws:5432", True),
        ("abc123.dsql-fnh4.us-east-1.on.aws", True),
        ("localhost", False),
        ("db.abc.eu-west-1.rds.amazonaws.com", False),
        ("abc123.dsql.eu-west-1.on.aws.example.com", False),
    ],
)
def test_only_the_endpoint_of_a_cluster_is_signed_in_to_by_iam(host: str, is_cluster: bool) -> None:
    sign_in = sign_in_of(f"postgresql://aihub@{host}/postgres")

    assert (sign_in is not None) is is_cluster
    if sign_in is not None:
        assert (sign_in.tls.verify_mode, sign_in.tls.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_without_credentials_the_reason_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(StorageError, match=r"no token for Aurora DSQL: .*credentials"):
        await PostgresStorage.open(f"postgresql://aihub@{CLUSTER}/postgres")


async def test_each_connection_signs_in_with_a_token_of_its_own(tmp_path: Path) -> None:
    """The password of the role is the token that was made last, so none is used again."""
    server = server_or_skip()
    url = await asyncio.to_thread(new_books)
    await asyncio.to_thread(server.require_password, "signed")
    numbers = itertools.count(1)

    def token() -> str:
        made = f"token-{next(numbers)}"
        server.sql(f"alter role signed with superuser password '{made}'")
        return made

    async with _over_tls(server, Identity(tmp_path)) as (port, tls):
        own = f"postgresql://signed@127.0.0.1:{port}/{url.rpartition('/')[2]}"
        async with PostgresStorage.open(own, sign_in=SignIn(token=token, tls=tls)) as storage:
            await open_account(storage)
            assert await hold_one(storage, "call-1")
            assert await storage.users() == [a_user()]
            before = next(numbers)
            ended = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'signed'"
            await asyncio.to_thread(server.sql, ended)

            assert await hold_one(storage, "call-2")
            assert await storage.users() == [a_user()]
            assert next(numbers) > before + 1


async def test_a_token_is_never_sent_without_tls() -> None:
    """This server has no TLS."""
    server_or_skip()
    url = await asyncio.to_thread(new_books)
    sign_in = SignIn(token=lambda: "token", tls=ssl.create_default_context())

    with pytest.raises(StorageError, match="rejected SSL upgrade"):
        await PostgresStorage.open(url, sign_in=sign_in)


async def test_the_tables_are_made_without_what_aurora_dsql_refuses() -> None:
    """Indexes in the background, none of a part of a table, and columns that are added without a constraint."""

    class Lasting(StrictConnection):
        """A connection lasts for an hour, and so for all migrations."""

        uses_max = 10_000

    server = server_or_skip()
    url = await asyncio.to_thread(server.new_database)
    snapshots = {"default_transaction_isolation": "repeatable read"}

    async with PostgresStorage.open(url, connection_class=Lasting, settings=snapshots) as storage:
        await open_account(storage)
        assert await hold_one(storage, "call-1")

    (row,) = await asyncio.to_thread(server.sql, "select count(*) from pg_indexes where schemaname = 'public'", url)
    (expected,) = await asyncio.to_thread(
        server.sql, "select count(*) from pg_indexes where schemaname = 'public'", await asyncio.to_thread(new_books)
    )
    assert row == expected


@asynccontextmanager
async def _over_tls(server: Server, identity: Identity) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A port that speaks TLS in front of a server that does not, and what trusts it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST, "the client begins without TLS"
        writer.write(b"S")
        await writer.start_tls(identity.server)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))

    trusting = ssl.create_default_context(cafile=identity.path)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1], trusting


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
