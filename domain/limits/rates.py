"""A rate as one integer: the generic cell rate algorithm (GCRA), in whole numbers.

A limit of `amount` units in `window_ms` lets a unit through every `window_ms / amount` milliseconds, and up to `amount`
units at once after a pause: in any time t at most `amount * (1 + t / window_ms)` units pass. The integer is the
theoretical arrival time (TAT): the moment at which everything that was taken is earned back. So that nothing is
rounded, moments are counted in steps: a millisecond is `per_ms` of them and a unit takes `per_unit`.

What a call takes of a rate of tokens is an estimate. When the call ends the difference is taken or given back, as if it
had been part of the estimate; so a rate may be in debt.
"""

import msgspec

from domain.limits.rows import Limit

STEPS_MAX = 2**63 - 1


class Wait(msgspec.Struct, frozen=True):
    """The units cannot be taken now: how long to wait for them; None: no waiting helps, for they are more than fit."""

    ms: int | None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a rate now, and in how many milliseconds all of it is there again."""

    remaining: int
    reset_ms: int


def take(limit: Limit, tat: int, units: int, now_ms: int) -> int | Wait:
    """The TAT after taking the units, or how long they must wait."""
    now = now_ms * limit.per_ms
    after = max(tat, now) + units * limit.per_unit
    excess = after - now - limit.window_ms * limit.per_ms
    if excess <= 0:
        return after
    return Wait(None if units > limit.amount else -(-excess // limit.per_ms))


def moved(tat: int, units: int, per_unit: int) -> int:
    """The TAT after units were taken in addition, or given back if they are below zero."""
    return min(STEPS_MAX, max(0, tat + units * per_unit))


def level(limit: Limit, tat: int, now_ms: int) -> Level:
    """What is left of the rate at a moment; nothing is left of one in debt."""
    taken = max(0, tat - now_ms * limit.per_ms)
    left = max(0, limit.window_ms * limit.per_ms - taken)
    return Level(remaining=left // limit.per_unit, reset_ms=-(-taken // limit.per_ms))
