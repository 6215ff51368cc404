"""Keeping secrets: sealing values that must be read again, fingerprinting values that must only be recognised."""

from typing import Protocol


class VaultError(Exception):
    """A sealed value that this vault cannot open: another master key, or a row that was tampered with."""


class Vault(Protocol):
    """Encryption under the master key."""

    def seal(self, secret: bytes, row: str) -> bytes:
        """Encrypt for the row of that identity ("credential:cred_…"); it opens nowhere else."""
        ...

    def unseal(self, sealed: bytes, row: str) -> bytes:
        """The secret again; VaultError if the key or the row is another one."""
        ...

    def fingerprint(self, secret: str) -> str:
        """A keyed hash by which an API key is found; the hash itself does not authenticate."""
        ...
