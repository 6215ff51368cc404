"""The ports of the master key's rotation: the keys on one side, and the sealed values of the books on the other."""

from collections.abc import Callable
from typing import Protocol


class MasterKeys(Protocol):
    """The master keys that a vault knows: the first seals, all of them open."""

    @property
    def current_id(self) -> str:
        """The id of the key that seals, in hexadecimal digits."""
        ...

    def renew(self) -> None:
        """Make a new key that seals from now on, in every process; VaultError if the keys are given from outside."""
        ...

    def sealed_fingerprint_key(self) -> bytes:
        """The key of all fingerprints, sealed under the current key."""
        ...

    def resealed(self, sealed: bytes, row: str) -> bytes | None:
        """The same secret under the current key; None if it is sealed under that already.

        VaultError if no key opens it.
        """
        ...


class SealedBooks(Protocol):
    """The books as far as they are sealed. Each change is one short transaction, while others go on writing."""

    async def master_key_id(self) -> str:
        """The id of the master key that the books belong to."""
        ...

    async def keep_fingerprint_key(self, sealed: bytes) -> None:
        """Keep the sealed key of all fingerprints."""
        ...

    async def belong_to(self, key_id: str) -> None:
        """From now on the books belong to that master key."""
        ...

    async def reseal_credentials(self, after: int, reseal: Callable[[str, bytes], bytes | None]) -> int | None:
        """Give a few credentials, by id, to `reseal` and write what it returns, where it returns something.

        `after` is where the last visit ended, 0 at the beginning; returned is where this one did, None at the end.
        """
        ...

    async def reseal_answers(self, after: int, reseal: Callable[[str, str, bytes], bytes | None]) -> int | None:
        """The same with a few kept answers, by user and Idempotency-Key."""
        ...
