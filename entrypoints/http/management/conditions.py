"""The two conditions that a request of the management API may have, for every action alike.

If-Match            the ETag of what the change is about, as its page or its list was read: any later change of it by
                    somebody else lets the request fail with 412
Idempotency-Key     the same key and request give the same answer, and the change is made once

Both are checked in the transaction of the change. The ETag is of the reply without what calls change by themselves.
https://www.rfc-editor.org/rfc/rfc9110#name-if-match
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec

from domain.books.management_scopes import NothingScope, repeatable
from domain.books.rows import Decision, Idempotency
from domain.books.scope_protocol import View
from domain.management.guarded_changes import (
    Claim,
    Made,
    Moved,
    Repeated,
    Seen,
    claimed_before,
    conflict,
    guarded,
    look,
)
from domain.refusals import BadRequest, Refusal
from entrypoints.actions.paths import Place
from entrypoints.http.replies import JSON_HEADER
from entrypoints.http.wire import Reply, Request
from entrypoints.usecases import public_types
from entrypoints.usecases.sealed_identities import answer_row
from ports.books import Storage, StorageError
from ports.vault import Vault

F = TypeVar("F")
D = TypeVar("D", bound=Decision)

KEY_CHARACTERS_MAX = 255
_MARK = "management "  # Model calls have keys of their own.
_TRIES = 20


class RefusedError(Exception):
    """Ends the action whose condition does not hold, before it has changed anything."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class RepeatedError(Exception):
    """Ends an action whose Idempotency-Key an earlier request has; `kept` is its row."""

    def __init__(self, kept: Idempotency) -> None:
        super().__init__(kept.key)
        self.kept = kept


class GuardedStorage:
    """The books for one request: its first change is made under its conditions. All reads are those of the books."""

    def __init__(
        self, books: Storage, claim: Claim | None, user_id: str, holds: Callable[[], Awaitable[Refusal | None]] | None
    ) -> None:
        self._books = books
        self._claim = claim
        self._user_id = user_id
        self._holds = holds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._books, name)

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        """Decide as the books do, if the conditions hold. Raises RefusedError or RepeatedError where they do not."""
        wide = repeatable(scope, self._user_id, self._claim.key if self._claim else None)
        for _ in range(_TRIES):
            expected = await self._expected(wide)
            made = await self._books.decide(
                wide, partial(guarded, rule=rule, claim=self._claim, expected=expected), within_s
            )
            if isinstance(made, Repeated):
                raise RepeatedError(made.kept)
            if isinstance(made, Made):
                if made.writes:
                    self._holds = None
                return made.decision
            assert isinstance(made, Moved)
        raise StorageError("what the request changes is changed by others without a pause; try again")

    async def _expected(self, wide: Any) -> Seen[Any] | None:
        """The facts, seen before the condition was found to hold; None without a condition."""
        if self._holds is None:
            return None
        seen: Seen[Any] = await self._books.decide(wide, look)
        if (refusal := await self._holds()) is not None:
            raise RefusedError(refusal)
        return seen


def etag_of(reply: Any, moving: Collection[str]) -> str:
    """The strong ETag of a reply, without the fields that change by themselves."""
    plain = msgspec.to_builtins(reply, enc_hook=public_types.written)
    return f'"{hashlib.sha256(msgspec.json.encode(_settled(plain, moving))).hexdigest()[:32]}"'


def _settled(value: Any, moving: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _settled(each, moving) for name, each in value.items() if name not in moving}
    return [_settled(each, moving) for each in value] if isinstance(value, list) else value


def reads_of(served: Collection[Place]) -> Mapping[str, Place]:
    """For each action that changes something, by its name, the place that shows it: its own page, else the list."""
    by_name = {place.action.name: place for place in served}
    found = {}
    for place in served:
        noun = place.action.name.partition(" ")[0]
        shown, listed = by_name.get(f"{noun} show"), by_name.get(f"{noun} list")
        if shown is not None and shown.named not in (None, place.named):
            shown = None
        if place.action.is_change and (read := shown or listed) is not None:
            found[place.action.name] = read
    return found


def matches(request: Request, etag: str) -> bool:
    """Whether the request's If-Match names the ETag."""
    wanted = [each.strip() for each in request.headers.get("if-match", "").split(",")]
    return "*" in wanted or etag in wanted


def claim_of(request: Request, user_id: str, now_ms: int) -> Claim | BadRequest | None:
    """The claim of a request with an Idempotency-Key; None without one."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        return None
    if len(key) > KEY_CHARACTERS_MAX:
        return BadRequest(field="Idempotency-Key", problem=f"Send at most {KEY_CHARACTERS_MAX} characters.")
    content = b"\n".join((request.method.encode(), request.path.encode(), request.query.encode(), request.body))
    digest = hashlib.sha256(content).hexdigest()
    return Claim(user_id=user_id, key=_MARK + key, digest=digest, request_id=request.id, now_ms=now_ms)


async def kept_reply(books: Storage, vault: Vault, claim: Claim, request: Request) -> Reply | Refusal | None:
    """The answer of an earlier request with the key, or why it cannot be repeated; None if there was none."""
    found = await books.decide(repeatable(NothingScope(), claim.user_id, claim.key), partial(_kept, claim=claim))
    return None if found.facts is None else repeated_reply(found.facts, vault, claim, request)


def _kept(found: Any, claim: Claim) -> Seen[Idempotency | None]:
    return Seen(facts=claimed_before(claim, found.kept))


def repeated_reply(kept: Idempotency, vault: Vault, claim: Claim, request: Request) -> Reply | Refusal:
    """The answer of the earlier request, or why it cannot be repeated."""
    if (refusal := conflict(claim, kept)) is not None:
        return refusal
    assert kept.answer is not None
    body = vault.unseal(kept.answer, answer_row(kept.user_id, kept.key))
    headers = (
        JSON_HEADER,
        ("x-request-id", request.id),
        ("cache-control", "no-store"),
        ("idempotent-replayed", "true"),
    )
    return Reply(status=kept.status, headers=headers, body=body)


async def keep(books: Storage, vault: Vault, claim: Claim, reply: Reply) -> None:
    """Keep the answer for the key."""
    assert isinstance(reply.body, bytes)
    sealed = vault.seal(reply.body, answer_row(claim.user_id, claim.key))
    row = claim.row(reply.status, JSON_HEADER[1], sealed)
    await books.decide(
        repeatable(NothingScope(), claim.user_id, claim.key), lambda _: Made(decision=Moved(), writes=(row,))
    )
