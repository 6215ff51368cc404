"""A rejection as the dialect understands it, with what the headers of every provider may say beside it."""

import msgspec

from adapters.providers.dialect import ProviderDialect
from domain.failures import Failure


def rejected(dialect: ProviderDialect, status: int, headers: dict[str, str], body: bytes) -> Failure:
    """The failure that a status other than 2xx means. `headers` have names in lower case.

    A date in `retry-after` means nothing without the moment at which it was said: where the provider tells none in
    `date`, the hub's own clock does.
    """
    if "retry-after" in headers and "date" not in headers:
        from email.utils import formatdate  # Slow to import, and seldom needed.

        headers = {**headers, "date": formatdate(usegmt=True)}
    failure = dialect.failure(status, headers, body)
    word = headers.get("x-should-retry", "").strip().lower()
    if word not in ("true", "false"):
        return failure
    return msgspec.structs.replace(failure, should_retry=word == "true")
