"""The composition root: the only place that knows which adapter plays which role.

Heavy modules are imported where they are used, so that a command of the operator starts without an HTTP client.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrypoints.config import VARIABLES, Settings, read_settings
from entrypoints.log_lines import log_as_json
from entrypoints.secret_references import references_in, resolved
from entrypoints.usecases.manage.first_run import prepare
from entrypoints.usecases.management_context import ManagementPorts, Sealing
from ports.books import Storage, StorageError
from ports.vault import Vault, VaultError

if TYPE_CHECKING:
    from adapters.aigne_file import AigneFile
    from adapters.providers.aiohttp_transport import AiohttpTransport
    from adapters.providers.http import HttpProviders
    from adapters.providers.transport import Http1Transport
    from adapters.storage.postgres.maintenance import DatabaseStatus
    from entrypoints.usecases.call_context import CallContext

BOOKS = "aikit.db"
MASTER_KEY = "master.key"
WORKERS = "workers"
# How long a clean stop waits for calls that could not be settled; the server's own limit ends soon after.
UNSETTLED_WAIT_S = 4.0


class CannotStart(Exception):
    """The hub cannot start; the message contains the missing resource and the remedy."""


def master_key_file(settings: Settings) -> Path:
    """The file of the master key, if it is not in AIHUB_MASTER_KEY."""
    return settings.master_key_file or settings.data_dir.resolve() / MASTER_KEY


def has_books(settings: Settings) -> bool:
    """Whether there are books, or an obstacle in their place that `operator_hub` reports."""
    return settings.database_url is not None or (settings.data_dir / BOOKS).exists() or settings.data_dir.is_file()


def place_of(settings: Settings) -> str:
    """Where the books are, without a password: a file, or a database on a server."""
    if settings.database_url is None:
        return str(settings.data_dir.resolve() / BOOKS)
    url = urlsplit(settings.database_url)
    return f"{url.hostname or 'localhost'}:{url.port or 5432}{url.path} (PostgreSQL)"


@asynccontextmanager
async def context_without_books() -> AsyncIterator[ManagementPorts]:
    """The ports for commands that need no books: these are empty, in a temporary directory, and removed afterwards."""
    from adapters.calendar import ZoneCalendar
    from adapters.liveness import FlockLiveness
    from adapters.price_book.shipped import ShippedBook
    from adapters.storage.sqlite.storage import SqliteStorage
    from adapters.system import RandomIds, SystemClock
    from adapters.vault import MasterKeyVault

    with TemporaryDirectory(prefix="aihub-") as directory:
        async with SqliteStorage.open(Path(directory) / BOOKS, synchronous="NORMAL") as storage:
            yield ManagementPorts(
                storage=storage,
                book=ShippedBook(),
                vault=MasterKeyVault([os.urandom(32)]),
                clock=SystemClock(),
                calendar=ZoneCalendar(),
                ids=RandomIds(),
                liveness=FlockLiveness(Path(os.devnull)),
            )


@asynccontextmanager
async def operator_hub(settings: Settings) -> AsyncIterator[ManagementPorts]:
    """The hub for management: books, vault, clock, ids and life signs. CannotStart if one of them fails."""
    from adapters.calendar import ZoneCalendar
    from adapters.liveness import FlockLiveness
    from adapters.master_keys import master_keys
    from adapters.price_book.shipped import ShippedBook
    from adapters.storage.books import MigrationError, alive_in, open_books
    from adapters.system import RandomIds, SystemClock
    from adapters.vault import MasterKeyVault, key_id

    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys, source = master_keys(settings.data_dir, settings.master_key, BOOKS, settings.master_key_file)
        storage = await open_books(
            settings.data_dir / BOOKS,
            settings.database_url,
            synchronous=settings.synchronous,
            statements=settings.database_statements,
        )
    except OSError as error:
        why = "it is no directory" if isinstance(error, FileExistsError) else error.strerror or error
        raise CannotStart(f"DATA_DIR {settings.data_dir} cannot be used: {why}") from error
    except MigrationError as error:
        raise CannotStart(f"{place_of(settings)}: {error}") from error
    except (VaultError, StorageError) as error:
        raise CannotStart(str(error)) from error
    files = FlockLiveness(settings.data_dir / WORKERS)
    files.remove_ended()
    try:
        async with storage, alive_in(storage, files) as liveness:
            by_id = {key_id(key).hex(): key for key in keys}
            known = await storage.adopt_master_key(next(iter(by_id)))
            _check_same(settings, known, tuple(by_id))
            vault = MasterKeyVault(keys, source)
            vault.keep_fingerprints(await storage.sealed().fingerprint_key(), by_id[known])
            yield ManagementPorts(
                storage=storage,
                book=ShippedBook(),
                vault=vault,
                clock=SystemClock(),
                calendar=ZoneCalendar(),
                ids=RandomIds(),
                liveness=liveness,
                sealing=Sealing(keys=vault, books=storage.sealed()),
            )
    finally:
        files.close()


def _check_same(settings: Settings, known: str, given: tuple[str, ...]) -> None:
    """Refuse master keys that lack the one that the books belong to: they would open no sealed secret."""
    if known not in given:
        raise CannotStart(
            f"{place_of(settings)} was made under another master key ({known}, not {', '.join(given)}): give "
            f"the hub that one in AIHUB_MASTER_KEY or in the file {master_key_file(settings)}"
        )


def environment_with_secrets(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the secrets that its settings refer to in AWS. CannotStart names what cannot be read."""
    if not references_in(environment, VARIABLES):
        return environment
    from adapters.aws_secrets import AwsSecrets

    try:
        return resolved(environment, VARIABLES, AwsSecrets().read)
    except VaultError as error:
        raise CannotStart(str(error)) from error


@asynccontextmanager
async def hub_from_environment() -> AsyncIterator["CallContext"]:
    """The hub as its environment configures it, ready for any server. CannotStart lists all errors."""
    settings = read_settings(environment_with_secrets(os.environ))
    if not isinstance(settings, Settings):
        raise CannotStart("; ".join(f"{problem.name}: {problem.text}" for problem in settings))
    if settings.log == "json":
        log_as_json()
    async with hub(settings) as whole:
        # `aihub serve` has done this already; another server, or Lambda, has not. No key is made, since it would
        # not be seen: without AIHUB_OWNER_KEY the operator makes one with `aihub key create --user owner`.
        await prepare(whole, settings.owner_key, settings.vendor_keys, settings.terms)
        yield whole


def _transport(settings: Settings) -> "Http1Transport | AiohttpTransport":
    """The HTTP client for providers. CannotStart if it is not installed."""
    if settings.transport == "http1":
        from adapters.providers.transport import Http1Transport

        return Http1Transport()
    try:
        from adapters.providers.aiohttp_transport import AiohttpTransport
    except ImportError:
        raise CannotStart("AIHUB_TRANSPORT=aiohttp needs aiohttp: install aihub[aiohttp]") from None
    return AiohttpTransport()


def _providers(settings: Settings, transport: "Http1Transport | AiohttpTransport", vault: Vault) -> "HttpProviders":
    from adapters.providers.echo import EchoTransport
    from adapters.providers.http import HttpProviders
    from adapters.providers.registry import DIALECTS

    return HttpProviders(
        transport=transport,
        local={"echo": EchoTransport()},
        vault=vault,
        dialects=DIALECTS,
        poll_ms=settings.job_poll_s * 1000,
        pass_through=settings.pass_through,
    )


@asynccontextmanager
async def hub(settings: Settings) -> AsyncIterator["CallContext"]:
    """The whole hub, for serving: one for each process, made after the fork, on the event loop that will use it."""
    from adapters.telemetry.observers import observers
    from adapters.webhooks import HttpWebhooks
    from entrypoints.usecases.call.latencies import Latencies
    from entrypoints.usecases.call_context import CallContext

    latencies = Latencies()
    observed = observers(latencies, settings.log, os.environ)
    async with operator_hub(settings) as operator, observed as (telemetry, tracing):
        operator.liveness.own()  # Before the first call needs it; without a life sign, nothing is served.
        transport = _transport(settings)
        whole = CallContext(
            storage=operator.storage,
            book=operator.book,
            vault=operator.vault,
            providers=_providers(settings, transport, operator.vault),
            clock=operator.clock,
            calendar=operator.calendar,
            ids=operator.ids,
            liveness=operator.liveness,
            telemetry=telemetry,
            tracing=tracing,
            latencies=latencies,
            metrics_token=settings.metrics_token,
            billed=settings.billed,
            payment_link=settings.payment_link,
            upstream_timeout_ms=settings.upstream_timeout_s * 1000,
            keep_alive_ms=settings.keep_alive_s * 1000,
            write_timeout_ms=settings.write_timeout_s * 1000,
            first_token_timeout_ms=settings.first_token_timeout_s * 1000 or None,
            strategy=settings.strategy,
            unsupported=settings.unsupported,
            retries_max=settings.retries_max,
            body_bytes_max=settings.body_bytes_max,
            cors_origins=settings.cors_origins,
            body_memory_bytes=max(settings.body_memory_bytes, settings.body_bytes_max),
            sealing=operator.sealing,
            policy=settings.policy,
            dashboard=settings.dashboard,
            webhooks=HttpWebhooks(transport, settings.private_webhooks),
        )
        try:
            yield whole
        finally:
            await whole.unsettled.close(UNSETTLED_WAIT_S)
            await transport.aclose()


def open_aigne(file: str) -> "AbstractContextManager[AigneFile]":
    """The file of an AIGNE Hub, with the variables that open its secrets. Raises AigneError."""
    from adapters.aigne_file import open_aigne_file

    dids = [did.strip() for did in os.environ.get("BLOCKLET_DID", "").split(",") if did.strip()]
    return open_aigne_file(file, os.environ.get("BLOCKLET_APP_EK"), dids)


def _database_of(settings: Settings) -> str:
    if settings.database_url is None:
        raise CannotStart("there is no database: DATABASE_URL names none, and the books are in a SQLite file")
    return settings.database_url


async def database_status(settings: Settings) -> "DatabaseStatus":
    """The migrations of the database. CannotStart if there is none or it is not the hub's."""
    url = _database_of(settings)
    from adapters.storage.migrate import MigrationError
    from adapters.storage.postgres.maintenance import status

    try:
        return await status(url)
    except MigrationError as error:
        raise CannotStart(f"{place_of(settings)}: {error}") from error


async def migrate_database(settings: Settings, role: str | None) -> list[str]:
    """Apply the migrations that are missing; `role` becomes the hub's own. CannotStart if that is not possible."""
    url = _database_of(settings)
    from adapters.storage.migrate import MigrationError
    from adapters.storage.postgres.maintenance import migrate_for

    try:
        return await migrate_for(url, role)
    except MigrationError as error:
        raise CannotStart(f"{place_of(settings)}: {error}") from error


async def copy_books(settings: Settings, to: str, report: Callable[[str], None]) -> None:
    """Copy all books to a database, or to a file that does not exist yet. CannotStart if that is not possible."""
    from adapters.storage.books import MigrationError

    try:
        if "://" not in to:
            async with opened_books(settings, None) as books:
                await books.backup(to)
            return
        from adapters.storage.postgres.maintenance import fill

        await fill(to, settings.database_url or settings.data_dir / BOOKS, report)
    except FileExistsError as error:
        raise CannotStart(f"{to} is there already; name a file that is not") from error
    except (MigrationError, OSError) as error:
        raise CannotStart(f"{to if '://' not in to else 'the database'}: {error}") from error


@asynccontextmanager
async def opened_books(settings: Settings, place: str | None) -> AsyncIterator[Storage]:
    """The books of the settings, or those at a place: the URL of a database or the path of a file."""
    from adapters.storage.books import MigrationError, open_books

    url = settings.database_url if place is None else place if "://" in place else None
    path = settings.data_dir / BOOKS if place is None else Path(place)
    if url is None and not path.exists():
        raise CannotStart(f"there are no books at {path}")
    try:
        books = await open_books(path, url, synchronous=settings.synchronous, statements=settings.database_statements)
    except MigrationError as error:
        raise CannotStart(str(error)) from error
    async with books:
        yield books
