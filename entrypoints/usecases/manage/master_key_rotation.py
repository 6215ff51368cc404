"""Rotating the master key: everything that is sealed is sealed again under a new one, while calls run.

The order of steps makes it safe to stop at any moment and to begin again: first every process can open values under
either key, then rows change a few at a time, and last the books record that they belong to the new key. Fingerprints
have a key of their own, which the books keep sealed from now on, so API keys stay known.
"""

from collections.abc import Callable

import msgspec

from domain.books.management_scopes import UserFacts, UserScope
from domain.books.rows import AuditEntry
from domain.management.changes import Changed
from entrypoints.usecases.manage.first_run import OWNER
from entrypoints.usecases.management_context import ManagementContext, Sealing, actor
from entrypoints.usecases.sealed_identities import answer_row, credential_row
from ports.vault import VaultError


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The result: the ids of the keys, and how much was sealed again. `unreadable` rows open under no key."""

    before_id: str
    after_id: str
    credentials: int
    answers: int
    unreadable: tuple[str, ...]


class _Count:
    """Seals values under the new key and counts them."""

    def __init__(self, sealing: Sealing, report: Callable[[str], None]) -> None:
        self._keys = sealing.keys
        self._report = report
        self.credentials = self.answers = 0
        self.unreadable: dict[str, None] = {}

    def credential(self, credential_id: str, sealed: bytes) -> bytes | None:
        again = self._again(sealed, credential_row(credential_id))
        self.credentials += again is not None
        return again

    def answer(self, user_id: str, key: str, sealed: bytes) -> bytes | None:
        again = self._again(sealed, answer_row(user_id, key))
        self.answers += again is not None
        return again

    def report(self) -> None:
        self._report(f"{self.credentials} credentials and {self.answers} kept answers sealed again")

    def _again(self, sealed: bytes, row: str) -> bytes | None:
        try:
            return self._keys.resealed(sealed, row)
        except VaultError:
            self.unreadable[row] = None
            return None


async def rotate(context: ManagementContext, sealing: Sealing, by: str, report: Callable[[str], None]) -> Rotated:
    """A new master key, or the rest of a rotation that was broken off. VaultError if no new key can be made here."""
    keys, books = sealing.keys, sealing.books
    before_id = await books.master_key_id()
    if keys.current_id == before_id:
        keys.renew()
    await books.keep_fingerprint_key(keys.sealed_fingerprint_key())
    count = _Count(sealing, report)
    await _everything(sealing, count)
    await books.belong_to(keys.current_id)
    await _everything(sealing, count)  # A second pass, for values that calls sealed under the old key during the first.
    who = actor(context, by)
    entry = AuditEntry(
        id=who.audit_id, at_ms=who.now_ms, actor=who.name, action="rotate master key", subject=keys.current_id
    )

    def rule(facts: UserFacts) -> Changed:
        assert facts.user is not None, "books have an owner"
        return Changed(row=facts.user, writes=(entry,))

    await context.storage.decide(UserScope(name=OWNER), rule)
    return Rotated(
        before_id=before_id,
        after_id=keys.current_id,
        credentials=count.credentials,
        answers=count.answers,
        unreadable=tuple(count.unreadable),
    )


async def _everything(sealing: Sealing, count: _Count) -> None:
    """Reseal every row once, a few in each transaction."""
    after: int | None = 0
    while after is not None:
        after = await sealing.books.reseal_credentials(after, count.credential)
        count.report()
    after = 0
    while after is not None:
        after = await sealing.books.reseal_answers(after, count.answer)
        count.report()
