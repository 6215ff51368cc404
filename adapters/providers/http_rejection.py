"""A rejection as the dialect's failure, completed from headers that every provider may send."""

import msgspec

from adapters.providers.dialect import ProviderDialect
from domain.failures import Failure


def rejected(dialect: ProviderDialect, status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return the failure for a status other than 2xx. `headers` have names in lower case.

    A date in `retry-after` is relative to the time of the answer: the provider's `date`, else the hub's own clock.
    """
    if "retry-after" in headers and "date" not in headers:
        from email.utils import formatdate  # Slow to import, and seldom needed.

        headers = {**headers, "date": formatdate(usegmt=True)}
    failure = dialect.failure(status, headers, body)
    retry = headers.get("x-should-retry", "").strip().lower()
    if retry not in ("true", "false"):
        return failure
    return msgspec.structs.replace(failure, should_retry=retry == "true")
