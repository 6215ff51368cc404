"""Secrets under the master key: AES-256-GCM for values that are read again, HMAC-SHA-256 for values only recognised.

House rules. Two keys are derived from each master key, one for each purpose, and the master key itself is used for
nothing else. A sealed value names the key that opens it and opens only for its own row, so that the ciphertexts of two
rows cannot be swapped. No message of this module contains a secret.

The envelope: version (1 byte), key id (8), nonce (12), ciphertext with its tag.
"""

import base64
import hmac
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ports.vault import Vault, VaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _ID_BYTES
_FINGERPRINTS, _FINGERPRINT_ROW = b"aihub fingerprint", "fingerprints"
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class KeySource(Protocol):
    """Where master keys come from; the first seals."""

    def changed(self) -> tuple[bytes, ...] | None:
        """Return the keys if they have changed since the last check, else None."""
        ...

    def renew(self, current_id: bytes) -> tuple[bytes, ...]:
        """Add a new key before the current one. Raises VaultError if only the operator can do that."""
        ...


class MasterKeyVault(Vault):
    """Seals under the first of `keys`; opens values sealed under any of them, so that a key can be rotated out.

    `source` is where the keys come from: it is read again after a change, so that a rotation reaches every process.
    Fingerprints are made under a key that no rotation changes: `keep_fingerprints` sets it, else it is derived from the
    first master key.
    """

    def __init__(self, keys: Sequence[bytes], source: KeySource | None = None) -> None:
        self._source = source
        self._ciphers: dict[bytes, AESGCM] = {}
        self._use(keys)
        self._fingerprint_key = _derive(keys[0], _FINGERPRINTS)
        self._fingerprints = hmac.new(self._fingerprint_key, digestmod="sha256")

    def _use(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"a master key has {KEY_BYTES} bytes")
        self._seal_keys = {key_id(key): _derive(key, b"aihub seal") for key in keys}
        self._current = key_id(keys[0])

    def keep_fingerprints(self, sealed: bytes | None, made_under: bytes) -> None:
        """Make fingerprints as the books have them: with their own sealed key, else with the master key's."""
        key = _derive(made_under, _FINGERPRINTS) if sealed is None else self.unseal(sealed, _FINGERPRINT_ROW)
        self._fingerprint_key = key
        self._fingerprints = hmac.new(key, digestmod="sha256")

    @property
    def current_id(self) -> str:
        """Return the id of the key that seals, in hexadecimal digits."""
        return self._current.hex()

    def renew(self) -> None:
        """Make a new key, which seals from now on; the previous one stays, to open older values."""
        if self._source is None:
            raise VaultError(
                "the master key is given in AIHUB_MASTER_KEY: write a new one before it, separated by a comma, start "
                "the hub again with both, and rotate then"
            )
        self._use(self._source.renew(self._current))

    def sealed_fingerprint_key(self) -> bytes:
        """Return the key of all fingerprints, sealed under the current key."""
        return self.seal(self._fingerprint_key, _FINGERPRINT_ROW)

    def resealed(self, sealed: bytes, row: str) -> bytes | None:
        """Return the same secret under the current key; None if it is already sealed under that key."""
        if sealed[len(_VERSION) : _HEAD_BYTES] == self._current:
            return None
        return self.seal(self.unseal(sealed, row), row)

    def seal(self, secret: bytes, row: str) -> bytes:
        """Encrypt for that row, under a random nonce: 2^32 of them are safe under one key."""
        self._look_again()
        head = _VERSION + self._current
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._cipher(self._current).encrypt(nonce, secret, head + row.encode())

    def unseal(self, sealed: bytes, row: str) -> bytes:
        """Return the secret. Raises VaultError if the key or the row is a different one."""
        head, nonce, body = (
            sealed[:_HEAD_BYTES],
            sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES],
            sealed[_HEAD_BYTES + _NONCE_BYTES :],
        )
        sealed_by = head[len(_VERSION) :]
        if head[: len(_VERSION)] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise VaultError(f"{row}: this is no sealed value")
        if sealed_by not in self._seal_keys:
            self._look_again()
        if sealed_by not in self._seal_keys:
            raise VaultError(f"{row}: sealed under another master key ({sealed_by.hex()}); give that one to the hub")
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher(sealed_by).decrypt(nonce, body, head + row.encode())
        except InvalidTag:
            raise VaultError(f"{row}: the sealed value was changed, or belongs to another row") from None

    def _look_again(self) -> None:
        """Read the keys from their source again, if another process or the operator has rotated them."""
        keys = self._source.changed() if self._source is not None else None
        if keys is not None:
            self._use(keys)

    def fingerprint(self, secret: str) -> str:
        """Return 64 hexadecimal digits; the same secret always has the same."""
        # Every call needs one. `hmac.digest` would release the interpreter lock each time.
        keyed = self._fingerprints.copy()
        keyed.update(secret.encode())
        return keyed.hexdigest()

    def _cipher(self, sealed_by: bytes) -> "AESGCM":
        cipher = self._ciphers.get(sealed_by)
        if cipher is None:
            # Most of the operator's commands seal nothing, and the import costs them 17 ms.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            cipher = self._ciphers[sealed_by] = AESGCM(self._seal_keys[sealed_by])
        return cipher


def key_id(master_key: bytes) -> bytes:
    """Return eight bytes that name a master key and reveal nothing about it."""
    return _derive(master_key, b"aihub key id")[:_ID_BYTES]


def decode_master_key(text: str, origin: str) -> bytes:
    """Decode 32 bytes from 64 hexadecimal digits or base64.

    Raises VaultError, which names the `origin`, for anything else.
    """
    text = text.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.rstrip("=").replace("-", "+").replace("_", "/") + "=", validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"{origin} is no master key: write 32 bytes as base64, as `openssl rand -base64 32` does")
    return key


def _derive(master_key: bytes, use: bytes) -> bytes:
    """Derive a key by HKDF (RFC 5869) with SHA-256 and no salt, for one block of output."""
    extracted = hmac.digest(bytes(KEY_BYTES), master_key, "sha256")
    return hmac.digest(extracted, use + b"\x01", "sha256")
