"""What follows a failure: which candidate is tried next, after which pause, and when to give up.

The law: nothing is bought twice. A provider that may have worked for the call, and may charge for it, is not tried
again with any of its credentials; one other provider may be tried, and if that may have worked as well, the call ends.
So at most one attempt per provider, and at most two in all, may have been paid. `Failure.may_be_paid` decides which
failures these are: silence, an answer that is broken or unreadable, a connection lost after the request was sent, and
a gateway whose wait for the model ended (504, 520, 524). Every other status is an error that the provider reports.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from domain.failures import Failure
from domain.routing.order import Candidate

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 8_000
# A provider that requests a longer pause is not waited for: the caller gets its failure with the time to retry.
RETRY_AFTER_MAX_MS = 20_000
# The first provider, and one other.
MAY_BE_PAID_MAX = 2
_ENDINGS: tuple[tuple[Failure, Literal["provider", "candidate"]], ...] = (
    (Failure(kind="timed_out", message=""), "provider"),
    (Failure(kind="overloaded", message=""), "candidate"),
)


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Try the candidate at `index` after `wait_ms`."""

    index: int
    wait_ms: int


def next_attempt(
    candidate_list: Sequence[Candidate],
    failures: Sequence[tuple[int, Failure]],
    retries_max: int,
    left_ms: int,
    chance: int,
) -> Retry | None:
    """What to try after these failures (candidate index, failure), or None to give up.

    An untried candidate is tried at once; when all were tried, those that may recover are tried again after the pause
    that they requested, or full jitter: `chance` is a random number up to `BACKOFF_MAX_MS`. A rejected credential is
    not tried again and costs no retry. A rejected request is the caller's error and is not tried elsewhere, and neither
    is a final failure. A provider that may have been paid is not tried again.
    """
    last = failures[-1][1]
    if last.kind == "request_rejected" or last.is_final or left_ms <= 0:
        return None
    spent = sum(1 for _, failure in failures if failure.kind != "credential_rejected")
    paid = [candidate_list[index].target.provider for index, failure in failures if failure.may_be_paid]
    if spent > retries_max or len(paid) >= MAY_BE_PAID_MAX:
        return None
    tried = {index for index, _ in failures}
    for index, candidate in enumerate(candidate_list):
        if index not in tried and candidate.target.provider not in paid:
            return Retry(index=index, wait_ms=0)
    over = {index for index, failure in failures if failure.kind == "credential_rejected"}
    over |= {index for index in tried if candidate_list[index].target.provider in paid}
    again = next((index for index, _ in failures[-len(tried) :] if index not in over), None)
    if again is None:
        return None
    requested_ms = next((f.retry_after_ms for i, f in reversed(failures) if i == again), None)
    backoff_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << spent)
    wait_ms = requested_ms if requested_ms is not None else chance % (backoff_ms + 1)
    if wait_ms > RETRY_AFTER_MAX_MS or wait_ms >= left_ms:
        return None
    return Retry(index=again, wait_ms=wait_ms)


def another(
    candidate_list: Sequence[Candidate], failures: Sequence[tuple[int, Failure]], index: int, retries_max: int
) -> Literal["provider", "candidate"] | None:
    """The untried candidate of another provider that would be next if the attempt at `index` failed too.

    Another candidate of a provider that was tried is open only after an error that the provider reports itself.
    """
    if len(candidate_list) == 1:
        return None
    untried = set(range(len(candidate_list))) - {index, *(tried for tried, _ in failures)}
    for failure, found in _ENDINGS:
        retry = next_attempt(candidate_list, [*failures, (index, failure)], retries_max, left_ms=1, chance=0)
        if retry is not None and retry.index in untried:
            return found
    return None
