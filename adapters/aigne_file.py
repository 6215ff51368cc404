"""The file `aikit.db` of an AIGNE Hub, read only: SQLite as Sequelize 6 writes it, and its encrypted secrets.

A secret is base64 of `Salted__`, 8 bytes of salt and AES-256-CBC with PKCS7, as CryptoJS makes it from a passphrase
(https://cryptojs.gitbook.io/docs/#ciphers: EVP_BytesToKey with MD5, one round). The passphrase is the hexadecimal of
PBKDF2-HMAC-SHA512 of BLOCKLET_APP_EK with BLOCKLET_DID as salt, 256 rounds, 32 bytes. A value that the hub wrote
without these variables is in clear.
"""

import base64
import binascii
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from ports.aigne import AigneError, ForeignRow

_NEEDED = frozenset(("AiProviders", "AiCredentials", "AiModelRates", "ModelCalls"))
_SALTED = b"Salted__"
_SALT_BYTES, _KEY_BYTES, _BLOCK_BYTES = 8, 32, 16


class AigneFile:
    """The tables of one file."""

    def __init__(self, connection: sqlite3.Connection, passphrases: Sequence[str]) -> None:
        self._connection = connection
        self._passphrases = passphrases
        self._tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        if missing := _NEEDED - self._tables:
            raise AigneError(f"it is no aikit.db of an AIGNE Hub: it has no table {min(missing)}")

    def rows(self, table: str) -> list[ForeignRow]:
        """Return all rows of a small table by their ids; none if the file has no such table."""
        if table not in self._tables:
            return []
        return [dict(row) for row in self._connection.execute(f'select * from "{table}" order by id')]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        if table not in self._tables:
            return 0
        (number,) = self._connection.execute(f'select count(*) from "{table}"').fetchone()
        return int(number)

    def calls(self, batch: int) -> Iterator[list[ForeignRow]]:
        """Yield the calls by their ids, so many at once."""
        after = ""
        while True:
            found = self._connection.execute(
                "select * from ModelCalls where id > ? order by id limit ?", (after, batch)
            ).fetchall()
            if not found:
                return
            yield [dict(row) for row in found]
            after = found[-1]["id"]

    def users(self) -> list[str]:
        """Return everybody who called, by their DIDs."""
        found = self._connection.execute("select distinct userDid from ModelCalls where userDid <> '' order by userDid")
        return [did for (did,) in found]

    def uncharged(self) -> list[tuple[str, int, str]]:
        """Return by user how many usages were never reported for charging, and their credits."""
        if "Usages" not in self._tables:
            return []
        found: dict[str, list[Decimal]] = {}
        for did, credit in self._connection.execute(
            "select userDid, usedCredits from Usages where usageReportStatus is not 'reported'"
        ):
            found.setdefault(did or "", []).append(Decimal(str(credit or 0)))
        return [(did, len(amounts), format(sum(amounts, Decimal()), "f")) for did, amounts in sorted(found.items())]

    def secret(self, value: str) -> str | None:
        """Return a secret in clear; None if it is encrypted and no passphrase opens it."""
        sealed = _sealed(value)
        if sealed is None:
            return value
        return next((text for each in self._passphrases if (text := _opened(sealed, each)) is not None), None)


@contextmanager
def open_aigne_file(file: str, app_key: str | None, dids: Sequence[str]) -> Iterator[AigneFile]:
    """Yield the file, which nobody may be writing. Raises AigneError."""
    path = Path(file)
    wal = path.with_name(f"{path.name}-wal")
    if not path.is_file():
        raise AigneError("there is no such file")
    if wal.exists() and wal.stat().st_size:
        raise AigneError(f"{wal.name} is next to it, so it may be in use: import a copy made by sqlite3's .backup")
    passphrases = [_passphrase(app_key, did) for did in dids] if app_key else []
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        yield AigneFile(connection, passphrases)
    except sqlite3.DatabaseError as error:
        raise AigneError(f"it cannot be read: {error}") from error
    finally:
        connection.close()


def _passphrase(app_key: str, did: str) -> str:
    return hashlib.pbkdf2_hmac("sha512", app_key.encode(), did.encode(), 256, _KEY_BYTES).hex()


def _sealed(value: str) -> bytes | None:
    """The bytes of an encrypted value; None for one in clear."""
    if not value.startswith("U2FsdGVkX1"):
        return None
    try:
        found = base64.b64decode(value, validate=True)
    except binascii.Error:
        return None
    return found if found.startswith(_SALTED) else None


def _opened(sealed: bytes, passphrase: str) -> str | None:
    """The text; None if the passphrase is another one, which shows as wrong padding or as bytes that are no text."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    start = len(_SALTED) + _SALT_BYTES
    salt, body = sealed[len(_SALTED) : start], sealed[start:]
    if not body or len(body) % _BLOCK_BYTES:
        return None
    key, vector = _key_and_vector(passphrase.encode(), salt)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    padded = decryptor.update(body) + decryptor.finalize()
    padding = padded[-1]
    if not 1 <= padding <= _BLOCK_BYTES or padded[-padding:] != bytes([padding]) * padding:
        return None
    try:
        return padded[:-padding].decode()
    except UnicodeDecodeError:
        return None


def _key_and_vector(passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """OpenSSL's EVP_BytesToKey with MD5 and one round: https://docs.openssl.org/3.0/man3/EVP_BytesToKey/."""
    made, block = b"", b""
    while len(made) < _KEY_BYTES + _BLOCK_BYTES:
        block = hashlib.md5(block + passphrase + salt, usedforsecurity=False).digest()
        made += block
    return made[:_KEY_BYTES], made[_KEY_BYTES : _KEY_BYTES + _BLOCK_BYTES]
