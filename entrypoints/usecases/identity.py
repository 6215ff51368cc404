"""The caller behind a key, as the books know it at this moment."""

from typing import Protocol

from domain.accounts.identity import Caller, identify
from domain.refusals import InvalidKey, Refusal
from ports.books import Storage
from ports.environment import Clock


class Accounts(Protocol):
    """A context that has the books: that of a call, or that of management."""

    @property
    def storage(self) -> Storage: ...
    @property
    def clock(self) -> Clock: ...


async def caller_of(hub: Accounts, fingerprint: str) -> Caller | InvalidKey:
    """The caller whose key has the fingerprint, read from the books each time: a revoked key is invalid at once.

    Raises StorageError where the books cannot be read.
    """
    known = await hub.storage.caller(fingerprint)
    key, user, team = known if known is not None else (None, None, None)
    return identify(key, user, hub.clock.now_ms(), team)


async def refusal_to(hub: Accounts, fingerprint: str, refusal: Refusal) -> Refusal:
    """The refusal for the holder of a valid key; InvalidKey, which reveals nothing about the hub, for anyone else.

    Raises StorageError where the books cannot be read.
    """
    caller = await caller_of(hub, fingerprint)
    return caller if isinstance(caller, InvalidKey) else refusal
