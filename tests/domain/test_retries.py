"""What follows a failure: who is tried next, after how long, and when to give up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import Failure, FailureKind
from domain.routing.order import Candidate
from domain.routing.retries import (
    BACKOFF_FIRST_MS,
    BACKOFF_MAX_MS,
    RETRY_AFTER_MAX_MS,
    Retry,
    another,
    next_attempt,
)
from tests.domain.build import a_candidate, a_failure

KINDS: tuple[FailureKind, ...] = (
    "unreachable",
    "timed_out",
    "overloaded",
    "unavailable",
    "credential_rejected",
    "request_rejected",
    "truncated",
    "malformed",
)
HOUR_MS = 3_600_000


def test_after_a_failure_the_next_candidate_is_tried_at_once() -> None:
    retry = next_attempt(_some(2), [(0, a_failure("unavailable"))], retries_max=2, left_ms=HOUR_MS, chance=100)

    assert Retry(index=1, wait_ms=0) == retry


# A failure is written as the candidate's number and the failure's first letters.
LETTERS: dict[str, FailureKind] = {
    "un": "unavailable",
    "re": "request_rejected",
    "cr": "credential_rejected",
    "to": "timed_out",
    "ma": "malformed",
}


@pytest.mark.parametrize(("many", "failures", "retries_max", "index"), [
    (2,  "0un",              2,  1),      # somebody untried first
    (3,  "0un 1un",          2,  2),
    (1,  "0un",              2,  0),      # then those that may recover, again
    (2,  "0un 1un",          2,  0),
    (2,  "0un 1un 0un",      3,  1),      # the one whose failure is the longest ago
    (2,  "0un 1un 0un",      2,  None),   # two retries were made
    (2,  "0un",              0,  None),   # no retries at all
    (2,  "0re",              9,  None),   # the caller's own mistake is nobody else's
    (2,  "0un 1re",          9,  None),
    (2,  "0cr",              0,  1),      # a rejected credential costs no retry
    (3,  "0cr 1cr",          0,  2),
    (1,  "0cr",              9,  None),   # and is never tried again
    (2,  "0cr 1cr",          9,  None),
    (2,  "0cr 1un",          9,  1),
    (2,  "0un 1cr",          9,  0),
    (3,  "0un 1cr 2un",      9,  0),
    (3,  "0un 1cr 2un 0un",  9,  2),
    (3,  "0un 1un 2cr 0cr",  9,  1),
    (1,  "0to",              9,  None),   # who may have worked is not asked again,
    (1,  "0ma",              9,  None),
    (3,  "0to",              9,  1),      # but another is,
    (3,  "0to 1ma",          9,  None),   # once;
    (3,  "0to 1un",          9,  2),      # who says that it has no answer has not been paid
    (2,  "0to 1un",          9,  1),
    (3,  "0un 1to 2un",      9,  0),
])  # fmt: skip
def test_who_is_tried_next(many: int, failures: str, retries_max: int, index: int | None) -> None:
    made = [(int(failure[0]), a_failure(LETTERS[failure[1:]])) for failure in failures.split()]

    retry = next_attempt(_some(many), made, retries_max, left_ms=HOUR_MS, chance=0)

    assert (retry.index if retry else None) == index


def test_what_a_provider_may_still_do_is_not_requested_of_another() -> None:
    lost = a_failure("unavailable", is_final=True)

    assert next_attempt(_some(3), [(0, lost)], retries_max=9, left_ms=HOUR_MS, chance=0) is None


@pytest.mark.parametrize("kind", ["unreachable", "overloaded", "unavailable"])
def test_whatever_may_recover_is_tried_again(kind: FailureKind) -> None:
    retry = next_attempt(_some(1), [(0, a_failure(kind))], retries_max=1, left_ms=HOUR_MS, chance=0)

    assert Retry(index=0, wait_ms=0) == retry


@pytest.mark.parametrize(("failures", "requested_ms", "left_ms", "chance", "wait_ms"), [
    (1,  None,    HOUR_MS,  0,      0),        # full jitter: up to 500 ms, then 1 s, then 2 s
    (1,  None,    HOUR_MS,  500,    500),
    (1,  None,    HOUR_MS,  501,    0),
    (2,  None,    HOUR_MS,  1_000,  1_000),
    (3,  None,    HOUR_MS,  2_000,  2_000),
    (9,  None,    HOUR_MS,  8_000,  8_000),    # and never more than 8 s
    (1,  3_000,   HOUR_MS,  500,    3_000),    # the pause that the provider asked for
    (1,  20_000,  HOUR_MS,  500,    20_000),
    (1,  20_001,  HOUR_MS,  500,    None),     # too long to wait for: the caller is reported
    (1,  0,       HOUR_MS,  500,    0),
    (1,  None,    500,      500,    None),     # no time left to wait
    (1,  None,    501,      500,    500),
    (1,  3_000,   3_000,    0,      None),
    (1,  None,    0,        0,      None),
    (1,  None,    -1,       0,      None),
])  # fmt: skip
def test_how_long_is_waited(
    failures: int, requested_ms: int | None, left_ms: int, chance: int, wait_ms: int | None
) -> None:
    made = [(0, a_failure("overloaded", retry_after_ms=requested_ms))] * failures

    retry = next_attempt(_some(1), made, retries_max=99, left_ms=left_ms, chance=chance)

    assert (retry.wait_ms if retry else None) == wait_ms


@pytest.mark.parametrize("left_ms", [0, -1])
def test_nobody_is_tried_when_no_time_is_left(left_ms: int) -> None:
    """The deadline is the whole call's, however many candidates are untried."""
    retry = next_attempt(_some(2), [(0, a_failure("timed_out"))], retries_max=2, left_ms=left_ms, chance=0)

    assert retry is None


@pytest.mark.parametrize(("failure", "may_be"), [
    (a_failure("timed_out"),                    True),    # silent after it had taken the request on
    (a_failure("truncated"),                    True),
    (a_failure("malformed", status=200),        True),    # an answer that cannot be read
    (a_failure("unavailable", sent=True),       True),    # the connection was lost while it worked
    (a_failure("unavailable"),                  False),   # an error that it reports
    (a_failure("unavailable", status=503),      False),
    (a_failure("unavailable", status=504),      True),    # a gateway gave up its wait for the model
    (a_failure("unavailable", status=520),      True),
    (a_failure("unavailable", status=524),      True),
    (a_failure("unavailable", status=502),      False),
    (a_failure("unavailable", status=408),      False),   # the request did not arrive in time
    (a_failure("malformed", status=302),        False),
    (a_failure("unreachable"),                  False),
    (a_failure("overloaded", status=429),       False),
])  # fmt: skip
def test_what_a_provider_may_have_been_paid_for(failure: Failure, may_be: bool) -> None:
    assert failure.may_be_paid == may_be


def test_two_credentials_of_a_provider_are_one_provider() -> None:
    twice = [a_candidate(provider="one"), a_candidate(provider="one"), a_candidate(provider="two")]
    silent = a_failure("timed_out")

    assert next_attempt(twice[:2], [(0, silent)], retries_max=9, left_ms=HOUR_MS, chance=0) is None
    assert next_attempt(twice, [(0, silent)], retries_max=9, left_ms=HOUR_MS, chance=0) == Retry(index=2, wait_ms=0)
    assert "candidate" == another(twice[:2], [], 0, retries_max=9)
    assert "provider" == another(twice, [], 0, retries_max=9)
    assert None is another(twice, [(0, silent)], 2, retries_max=9)
    assert None is another(twice, [], 0, retries_max=0)
    assert None is another(twice[:1], [], 0, retries_max=9)


FAILURES = st.lists(
    st.builds(
        a_failure,
        st.sampled_from(KINDS),
        retry_after_ms=st.none() | st.integers(0, 60_000),
        status=st.sampled_from((0, 200, 408, 503, 504, 524)),
        sent=st.booleans(),
    ),
    min_size=20,
    max_size=20,
)


@given(FAILURES, st.integers(1, 4), st.integers(0, 4), st.integers(0, HOUR_MS), st.integers(0, BACKOFF_MAX_MS))
def test_a_call_ends_after_its_retries_and_within_its_time(
    failures: list[Failure], many: int, retries_max: int, left_ms: int, chance: int
) -> None:
    """Every attempt fails: the attempts are counted, the waits fit, and a rejected credential is not used again."""
    made: list[tuple[int, Failure]] = []
    index = 0
    for failure in failures:
        rejected = {tried for tried, earlier in made if earlier.kind == "credential_rejected"}
        assert index not in rejected
        assert all(earlier.kind != "request_rejected" for _, earlier in made)
        made.append((index, failure))

        retry = next_attempt(_some(many), made, retries_max, left_ms, chance)

        if retry is None:
            break
        backoff_max_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << len(made))
        assert 0 <= retry.wait_ms <= max(backoff_max_ms, RETRY_AFTER_MAX_MS)
        assert retry.wait_ms < left_ms
        left_ms -= retry.wait_ms
        index = retry.index

    rejections = sum(failure.kind == "credential_rejected" for _, failure in made)
    assert rejections <= many
    assert len(made) <= retries_max + 1 + rejections


@given(FAILURES, st.lists(st.sampled_from(("one", "two", "three")), min_size=1, max_size=5), st.integers(0, 20))
def test_nothing_is_bought_twice(failures: list[Failure], providers: list[str], retries_max: int) -> None:
    """Of all attempts at a call at most one per provider may have been paid, and at most two."""
    candidates = [a_candidate(provider=provider) for provider in providers]
    made: list[tuple[int, Failure]] = []
    index = 0
    for failure in failures:
        made.append((index, failure))
        retry = next_attempt(candidates, made, retries_max, HOUR_MS, chance=0)
        if retry is None:
            break
        index = retry.index

    paid = [providers[tried] for tried, failure in made if failure.may_be_paid]
    assert len(paid) == len(set(paid)) <= 2


@given(FAILURES, st.integers(2, 4))
def test_everybody_is_tried_once_before_anybody_is_tried_twice(failures: list[Failure], many: int) -> None:
    order = [0]
    made = [(0, failures[0])]
    while (retry := next_attempt(_some(many), made, 99, HOUR_MS, 0)) and len(made) < len(failures):
        order.append(retry.index)
        made.append((retry.index, failures[len(made)]))

    assert order[:many] == list(range(min(many, len(order))))


def _some(many: int) -> list[Candidate]:
    return [a_candidate(provider=f"provider-{n}") for n in range(many)]
