"""The answer of a call with an Idempotency-Key, kept while it is given out so that the same key gets it again."""

from domain.books.rows import Call
from entrypoints.usecases.sealed_identities import answer_row
from ports.vault import Vault

ANSWER_KEPT_BYTES_MAX = 8 * 1024 * 1024
# A video is expensive, and its caller may well have given up before it is made: the largest that is read is kept, as
# base64.
VIDEO_KEPT_BYTES_MAX = 96 * 1024 * 1024


class KeptAnswer:
    """The bytes of one answer, as long as they are not too many."""

    def __init__(self, call: Call, operation: str) -> None:
        self._row = answer_row(call.user_id, call.idempotency_key or "")
        self._bytes = bytearray()
        self._bytes_max = VIDEO_KEPT_BYTES_MAX if operation == "video" else ANSWER_KEPT_BYTES_MAX

    def add(self, piece: bytes) -> None:
        """Keep one more piece."""
        if len(self._bytes) <= self._bytes_max:
            self._bytes += piece

    def clear(self) -> None:
        """Forget all of it: the answer broke off."""
        self._bytes.clear()

    def sealed(self, vault: Vault) -> bytes | None:
        """The answer as the books keep it; None if it is too long."""
        return vault.seal(bytes(self._bytes), self._row) if len(self._bytes) <= self._bytes_max else None
