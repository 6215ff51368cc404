"""Users of a hub, made by its command line: a name, a key, and what the books know them by."""

import msgspec

from domain.pricing.money import format_credits
from tests.simulation.auditor import user_id_of
from tests.support.hub import HubProcess


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A user with one key; `id` is the user's in the books."""

    name: str
    id: str
    key: str
    key_id: str


def person(hub: HubProcess, name: str, nanos: int = 0) -> Person:
    """A new user with a key and so much credit."""
    hub.cli("user", "add", name)
    key = hub.cli("key", "create", "--user", name)
    if nanos:
        hub.cli("credit", "grant", name, format_credits(nanos))
    return Person(name=name, id=user_id_of(hub.data_dir, name), key=key["key"], key_id=key["id"])
