"""The answer of a call with an Idempotency-Key, kept so that a duplicate request gets the same answer."""

from domain.books.rows import Hold
from domain.model_api.operations import OPERATIONS, OperationName
from entrypoints.usecases.sealed_identities import answer_row
from ports.vault import Vault


class KeptAnswer:
    """The bytes of one answer, up to a limit, with its status and content type."""

    def __init__(self, hold: Hold, operation: OperationName, status: int, content_type: str) -> None:
        self.status = status
        self.content_type = content_type
        self._row = answer_row(hold.user_id, hold.idempotency_key or "")
        self._bytes = bytearray()
        self._bytes_max = OPERATIONS[operation].kept_bytes_max

    def add(self, piece: bytes) -> None:
        """Keep one more piece."""
        if len(self._bytes) <= self._bytes_max:
            self._bytes += piece

    def sealed(self, vault: Vault) -> bytes | None:
        """The answer as the books keep it; None if it is too long."""
        return vault.seal(bytes(self._bytes), self._row) if len(self._bytes) <= self._bytes_max else None
