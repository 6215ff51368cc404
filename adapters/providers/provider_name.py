"""The provider of a call as messages may name it: never with its secret."""

import msgspec

from domain.failures import Failure

_PART_CHARACTERS_MIN = 16


class ProviderName(msgspec.Struct, frozen=True):
    """The provider's name for messages, and the secret that must be removed from everything it returns."""

    name: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Party({self.name!r})"

    def failure(self, failure: Failure) -> Failure:
        """Return the failure with the secret replaced by its masked form."""
        if not self.secret:
            return failure
        code = None if failure.code is None else self.text(failure.code)
        return msgspec.structs.replace(
            failure, message=self.text(failure.message), code=code, body=self.body(failure.body)
        )

    def text(self, text: str) -> str:
        """Return the text without the secret."""
        for part in self._parts():
            text = text.replace(part, masked(part))
        return text

    def body(self, body: bytes) -> bytes:
        """Return the body without the secret, also where JSON has escaped its slashes."""
        for part in self._parts():
            mask = masked(part).encode()
            body = body.replace(part.encode(), mask).replace(part.replace("/", "\\/").encode(), mask)
        return body

    def _parts(self) -> list[str]:
        """Return the secret, then its parts if it has several, as a pair of AWS keys has."""
        if not self.secret:
            return []
        return [self.secret, *(part for part in self.secret.split(":") if len(part) >= _PART_CHARACTERS_MIN)]


def masked(secret: str) -> str:
    """Return the first and last four characters of a secret; nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else "…"
