"""Two nodes on one PostgreSQL database: each its own processes and directory, as if on two machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.pricing.money import format_credits
from tests.simulation import shared_books
from tests.support.hub import HubProcess
from tests.system.users import Person

MASTER_KEY = "00112233445566778899aabbccddeeff" * 2


class Nodes:
    """The two hubs, and the DATABASE_URL that they share."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        env = {"DATABASE_URL": url, "AIHUB_MASTER_KEY": MASTER_KEY}
        self.one, self.other = (HubProcess(folder / name, env=env) for name in ("one", "other"))

    @property
    def both(self) -> tuple[HubProcess, HubProcess]:
        return self.one, self.other

    @property
    def ports(self) -> tuple[int, int]:
        """Where they listen."""
        return self.one.port, self.other.port

    def person(self, name: str, nanos: int) -> Person:
        """A new user with a key and so much credit."""
        self.one.cli("user", "add", name)
        key = self.one.cli("key", "create", "--user", name)
        self.one.cli("credit", "grant", name, format_credits(nanos))
        return Person(name=name, id=shared_books.user_id_of(self.url, name), key=key["key"], key_id=key["id"])


@contextmanager
def two_nodes(url: str, folder: Path) -> Iterator[Nodes]:
    """Two nodes that serve for as long as the block runs; at its end their books are proved."""
    nodes = Nodes(url, folder)
    try:
        nodes.one.start()
        nodes.other.start()
        shared_books.watch(url)
        yield nodes
        assert nodes.one.cli("ledger", "verify")["ok"]
        nodes.one.cli("stats", "verify")
    finally:
        nodes.one.stop()
        nodes.other.stop()
