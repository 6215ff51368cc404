"""The other party of a call as the hub may speak of it: never with its secret."""

import msgspec

from domain.failures import Failure

_PART_CHARACTERS_MIN = 16


class ProviderName(msgspec.Struct, frozen=True):
    """The provider as messages name it, and the secret that it must never be heard to say."""

    name: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Party({self.name!r})"

    def failure(self, failure: Failure) -> Failure:
        """The failure with the secret, wherever it occurs, replaced by its masked form."""
        if not self.secret:
            return failure
        code = None if failure.code is None else self.text(failure.code)
        return msgspec.structs.replace(
            failure, message=self.text(failure.message), code=code, body=self.body(failure.body)
        )

    def text(self, text: str) -> str:
        """The text without the secret."""
        for part in self._parts():
            text = text.replace(part, masked(part))
        return text

    def body(self, body: bytes) -> bytes:
        """The body without the secret, also where JSON has escaped its slashes."""
        for part in self._parts():
            mask = masked(part).encode()
            body = body.replace(part.encode(), mask).replace(part.replace("/", "\\/").encode(), mask)
        return body

    def _parts(self) -> list[str]:
        """The secret, and each part of one that is several in one line, as a pair of AWS keys is: whole ones first."""
        if not self.secret:
            return []
        return [self.secret, *(part for part in self.secret.split(":") if len(part) >= _PART_CHARACTERS_MIN)]


def masked(secret: str) -> str:
    """What may be shown of a secret: its first and last four characters, or nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else "…"
