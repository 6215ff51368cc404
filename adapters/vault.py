"""Secrets under the master key: AES-256-GCM for what must be read again, HMAC-SHA-256 for what is only recognised.

House rules. Two keys are derived from each master key, one for each use, and the master key itself is used for
nothing else. A sealed value names the key that opens it and opens for its own row only, so that nobody can swap the
ciphertexts of two rows. Nothing here ever puts a secret into a message.

The envelope: version (1 byte), key id (8), nonce (12), ciphertext with its tag.
"""

import base64
import hmac
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ports.vault import Vault, VaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _ID_BYTES
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class MasterKeyVault(Vault):
    """Seals under the first of `keys`; opens what any of them has sealed, so that a key can be rotated out.

    Fingerprints are made under the first key alone.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"a master key has {KEY_BYTES} bytes")
        self._seal_keys = {key_id(key): _derive(key, b"aihub seal") for key in keys}
        self._current = key_id(keys[0])
        self._fingerprints = hmac.new(_derive(keys[0], b"aihub fingerprint"), digestmod="sha256")
        self._ciphers: dict[bytes, AESGCM] = {}

    def seal(self, secret: bytes, row: str) -> bytes:
        """Encrypt for that row, under a nonce that chance gives: 2^32 of them are safe under one key."""
        head = _VERSION + self._current
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._cipher(self._current).encrypt(nonce, secret, head + row.encode())

    def unseal(self, sealed: bytes, row: str) -> bytes:
        """The secret again; VaultError if the key or the row is another one."""
        head, nonce, body = (
            sealed[:_HEAD_BYTES],
            sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES],
            sealed[_HEAD_BYTES + _NONCE_BYTES :],
        )
        sealed_by = head[len(_VERSION) :]
        if head[: len(_VERSION)] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise VaultError(f"{row}: this is no sealed value")
        if sealed_by not in self._seal_keys:
            raise VaultError(f"{row}: sealed under another master key ({sealed_by.hex()}); give that one to the hub")
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher(sealed_by).decrypt(nonce, body, head + row.encode())
        except InvalidTag:
            raise VaultError(f"{row}: the sealed value was changed, or belongs to another row") from None

    def fingerprint(self, secret: str) -> str:
        """64 hexadecimal digits; the same secret always has the same."""
        # Every call needs one. `hmac.digest` would give the interpreter away each time, to whoever waits for it.
        keyed = self._fingerprints.copy()
        keyed.update(secret.encode())
        return keyed.hexdigest()

    def _cipher(self, sealed_by: bytes) -> "AESGCM":
        cipher = self._ciphers.get(sealed_by)
        if cipher is None:
            # Most commands of the operator seal nothing, and the import costs them 17 ms.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            cipher = self._ciphers[sealed_by] = AESGCM(self._seal_keys[sealed_by])
        return cipher


def key_id(master_key: bytes) -> bytes:
    """Eight bytes that name a master key and tell nothing about it."""
    return _derive(master_key, b"aihub key id")[:_ID_BYTES]


def decode_master_key(text: str, origin: str) -> bytes:
    """32 bytes as 64 hexadecimal digits or as base64; VaultError names the `origin` of anything else."""
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


def master_key(data_dir: Path, given: str | None, books: str) -> bytes:
    """The master key of a data directory: the one given, else that of its file, which the first start makes.

    VaultError if the key is malformed or gone while there are `books` that were made under it, or if others can read
    its file.
    """
    return decode_master_key(given, "AIHUB_MASTER_KEY") if given else _key_in_file(data_dir / "master.key", books)


def _key_in_file(path: Path, books: str) -> bytes:
    # Looked for before the key: a first start that runs beside this one makes its key before its books.
    orphaned = path.with_name(books).exists()
    text = _read(path)
    if text is None and orphaned:
        raise VaultError(
            f"there is no {path}, and the books beside it were made under a master key: put that one back, or give it "
            "in AIHUB_MASTER_KEY; under a new one every API key would be unknown and every sealed secret lost"
        )
    if text is None:
        _make(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        text = _read(path) or ""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise VaultError(f"{path} can be used by others (mode {mode:04o}): run `chmod 600 {path}`")
    return decode_master_key(text, str(path))


def _read(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace")
    except FileNotFoundError:
        return None


def _make(path: Path, content: bytes) -> None:
    """Create a file with its content in one step, readable by its owner; the first of several processes wins.

    Written aside and linked, since whoever opens a file that was merely created exclusively may find it empty.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
        os.link(aside, path)
        _sync_directory(path.parent)
    except FileExistsError:
        pass
    finally:
        os.close(file)
        os.unlink(aside)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _derive(master_key: bytes, use: bytes) -> bytes:
    """HKDF (RFC 5869) with SHA-256 and no salt, for one block of output."""
    extracted = hmac.digest(bytes(KEY_BYTES), master_key, "sha256")
    return hmac.digest(extracted, use + b"\x01", "sha256")
