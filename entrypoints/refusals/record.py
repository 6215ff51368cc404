"""What a row of the table of refusals holds."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

# The field's common words for what went wrong; each caller's dialect has its own for them.
ErrorKind = Literal[
    "invalid_request",
    "authentication",
    "permission",
    "not_found",
    "insufficient_credit",
    "too_large",
    "rate_limit",
    "overloaded",
    "conflict",
    "provider",
    "internal",
]
Values: TypeAlias = Callable[[Any], Mapping[str, object]]


def _none(_: Any) -> Mapping[str, object]:
    return {}


def _no_wait(_: Any) -> int | None:
    return None


def _unknown(_: Any) -> bool | None:
    return None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How a refusal is presented. `template`, `advice` and `param` are formatted by `entrypoints.refusals.sentences`.

    status         the HTTP status
    kind           the common word for it
    template       what is wrong, as one sentence; the command line makes a clause of it
    advice         what a caller over HTTP can do about it, as further sentences
    param          the field at fault; what is formatted to nothing names none
    values         what the templates name besides the refusal's own fields
    facts          what programs act on, as further fields of an error
    code           the error code, where it is not the refusal's tag
    retry_after_s  for Retry-After, where waiting helps
    wait_ms        how long to wait, where that depends on the refusal; None where no wait is known to help
    should_retry   for x-should-retry, which the SDKs of OpenAI and Anthropic obey: False where a minute does not help
    """

    status: int
    kind: ErrorKind
    template: str
    advice: str = ""
    param: str = ""
    values: Values = _none
    facts: Callable[[Any], dict[str, str | int | None]] | None = None
    code: str | None = None
    retry_after_s: int | None = None
    wait_ms: Callable[[Any], int | None] = _no_wait
    should_retry: Callable[[Any], bool | None] = _unknown


class Variants(msgspec.Struct, frozen=True):
    """The records of a refusal that is presented in several ways, by a value: all of them are listed."""

    by: Callable[[Any], object]
    records: Mapping[Any, Record]
