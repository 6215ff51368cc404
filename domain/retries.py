"""What follows a failure: who is tried next, after how long, and when to give up. Chance comes in as a value."""

from collections.abc import Sequence

import msgspec

from domain.failures import Failure

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 8_000
# A provider that asks for a longer pause is not waited for: its failure goes to the caller, who is told when.
RETRY_AFTER_MAX_MS = 20_000


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Try the candidate at `index` after `wait_ms`."""

    index: int
    wait_ms: int


def next_attempt(
    candidate_list: Sequence[object],
    failures: Sequence[tuple[int, Failure]],
    retries_max: int,
    left_ms: int,
    chance: int,
) -> Retry | None:
    """What to try after these failures (candidate index, failure), or None to give up.

    Somebody untried is tried at once; when all were tried, those that may recover are tried again after the pause
    that they asked for, or full jitter: `chance` is a random number up to `BACKOFF_MAX_MS`. A rejected credential
    is not tried again and costs no retry. A rejected request is the caller's own and is never tried elsewhere, and
    neither is what failed finally.
    """
    last = failures[-1][1]
    if last.kind == "request_rejected" or last.is_final or left_ms <= 0:
        return None
    spent = sum(1 for _, failure in failures if failure.kind != "credential_rejected")
    if spent > retries_max:
        return None
    tried = {index for index, _ in failures}
    for index in range(len(candidate_list)):
        if index not in tried:
            return Retry(index=index, wait_ms=0)
    rejected = {index for index, failure in failures if failure.kind == "credential_rejected"}
    again = next((index for index, _ in failures[-len(tried) :] if index not in rejected), None)
    if again is None:
        return None
    asked_ms = next((f.retry_after_ms for i, f in reversed(failures) if i == again), None)
    backoff_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << spent)
    wait_ms = asked_ms if asked_ms is not None else chance % (backoff_ms + 1)
    if wait_ms > RETRY_AFTER_MAX_MS or wait_ms >= left_ms:
        return None
    return Retry(index=again, wait_ms=wait_ms)


def is_another(
    candidate_list: Sequence[object], failures: Sequence[tuple[int, Failure]], index: int, retries_max: int
) -> bool:
    """Whether somebody untried would be next, if the attempt at `index` failed too."""
    tried = {index, *(tried for tried, _ in failures)}
    spent = 1 + sum(1 for _, failure in failures if failure.kind != "credential_rejected")
    return len(tried) < len(candidate_list) and spent <= retries_max
