"""Reasons not to make a call that come from limits, budgets, purses and the operator's caps."""

from typing import Literal

import msgspec


class RateLimited(msgspec.Struct, frozen=True, kw_only=True, tag="rate_limited"):
    """A limit of requests, tokens or open calls is reached.

    `limit` is its id, and `subject` the kind of what it is for: hub, key, user, team or model. `wait_ms` is when the
    call fits; None: never, because it is larger than the limit.
    """

    limit: str
    subject: str
    measure: Literal["requests", "tokens", "concurrency"]
    amount: int
    window_ms: int
    remaining: int
    wait_ms: int | None


class BudgetExceeded(msgspec.Struct, frozen=True, kw_only=True, tag="budget_exceeded"):
    """The call may cost more than is left of a budget in its period.

    `budget` is its id, and `subject` the kind of what it is for. `reset_ms` is in how many milliseconds the next period
    begins; None: there is none.
    """

    budget: str
    subject: str
    period: str
    amount_nanos: int
    left_nanos: int
    bound_nanos: int
    reset_ms: int | None


class RunPurseSpent(msgspec.Struct, frozen=True, kw_only=True, tag="run_purse_spent"):
    """The call may cost more than is left of its run's purse. `run` is empty for a call that names no run."""

    run: str
    purse_nanos: int
    left_nanos: int
    bound_nanos: int


class RunStopped(msgspec.Struct, frozen=True, kw_only=True, tag="run_stopped"):
    """The run of the call was stopped."""

    run: str


class PaidCallsStopped(msgspec.Struct, frozen=True, kw_only=True, tag="paid_calls_stopped"):
    """The operator has stopped all calls that may cost anything."""


class ExposureReached(msgspec.Struct, frozen=True, kw_only=True, tag="exposure_reached"):
    """What may still be owed to the provider for open calls would be more than its cap. In nano-USD."""

    provider: str
    cap_nanos: int
    open_nanos: int
