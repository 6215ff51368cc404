"""Common parts of every provider's rejection: the kind of its status, and the time of a retry.

House rule: a kind comes from the status and never from the message.
"""

import re

from domain.failures import FailureKind

MESSAGE_CHARACTERS_MAX = 2_000
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)


def kind_of_status(status: int) -> FailureKind:
    """Return the kind of a status other than 2xx.

    402 is about the account of the hub's own credential, as 401 and 403 are: DeepSeek and OpenRouter answer it when
    their account has run out of money. A caller would read it as if their own wallet were empty.
    """
    if status in (401, 402, 403):
        return "credential_rejected"
    if status in (429, 529):
        return "overloaded"
    if status in (408, 409) or status >= 500:
        return "unavailable"
    if 400 <= status < 500:
        return "request_rejected"
    return "malformed"  # a redirect, which is not followed, or no answer to an API call at all


def retry_after_ms(headers: dict[str, str]) -> int | None:
    """Return `retry-after-ms` if sent (Azure, OpenAI), else `retry-after` as seconds or as an HTTP date.

    A date is measured from the answer's own Date header, so the provider's clock measures the provider's wait. Without
    that header the date is ignored.
    """
    exact = headers.get("retry-after-ms", "").strip()
    if _SECONDS.fullmatch(exact):
        return _thousandths(exact) // 1000
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return _thousandths(value)
    until, since = _seconds_of_date(value), _seconds_of_date(headers.get("date", ""))
    if until is None or since is None:
        return None
    return max(0, until - since) * 1000


def _thousandths(number: str) -> int:
    """Return a decimal number in thousandths: "1.5" is 1,500, without binary fractions."""
    whole, _, fraction = number.partition(".")
    return int(whole) * 1000 + int(fraction[:3].ljust(3, "0"))


def _seconds_of_date(value: str) -> int | None:
    if not value:
        return None
    from email.utils import mktime_tz, parsedate_tz  # Slow to import, and a date here is rare.

    try:
        parsed = parsedate_tz(value)
        return None if parsed is None else int(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
