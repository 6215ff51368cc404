"""The limits, budgets and purse of one call: what it takes of them when it is planned, and what its ending resolves."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from domain.accounts.rows import User
from domain.books.rows import AuditEntry, Call, Row
from domain.ledger.audited import AuditedCall
from domain.ledger.rows import Adjustment
from domain.limits import reserve
from domain.limits.budgets import Alert, Calendar
from domain.limits.notices import crossing, reached, threshold_of
from domain.limits.reserve import BudgetOn, CallLimits, Ceiling, LimitOn, RateStanding, Taken, Units
from domain.limits.rows import BudgetSpent, LimitCell, Reservation, Run
from domain.limits.settle import CountRow, Counts, Ended, settled
from domain.limits.settle import charged_again as again
from domain.limits.subjects import name_of
from domain.model_api.call import ModelCall
from domain.pricing.bounds import Bound, cost_bound
from domain.pricing.cost_estimate import likely_tokens
from domain.pricing.rate import Rate
from domain.refusals import Refusal
from domain.routing.order import Candidate
from domain.usage import UNITS, Usage

_TOKENS = tuple(unit.name for unit in UNITS if unit.name.endswith("_tokens"))
_OF_A_CANDIDATE = ("model:", "provider:")


class Planned(Protocol):
    """A candidate for which a call is planned."""

    @property
    def candidate(self) -> Candidate: ...
    @property
    def bound(self) -> Bound | None: ...


P = TypeVar("P", bound=Planned)
# What a provider asks for a model, as a rate; None: not known.
CostRate: TypeAlias = Callable[[str, str], Rate | None]


class Limited(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a call whose rates allow it: its candidates, what each takes, and the most that may be held.

    `own` and `ceilings` are parallel to `candidates`: what each takes besides what the call takes anyway (`common`),
    and the most that its budgets and the purse allow to hold. `requested` is the subject of the requested model.
    """

    limits: CallLimits
    requested: str
    budgets: tuple[BudgetOn, ...]
    candidates: tuple[Candidate, ...]
    common: tuple[Taken, ...]
    own: tuple[tuple[Taken, ...], ...]
    ceilings: tuple[Ceiling | None, ...]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a planned call has taken: the rows, what its settlement must know, and what is left of its rates."""

    rows: tuple[CountRow, ...] = ()
    reserved: tuple[Reservation, ...] = ()
    rates: tuple[RateStanding, ...] = ()


NOTHING_HELD = Held()


def limited(
    limits: CallLimits, call: ModelCall, candidates: Sequence[Candidate], calendar: Calendar, now_ms: int
) -> Limited | Refusal:
    """Take the rates of the call. A candidate whose own limits do not allow it is left out; the refusal if all are."""
    if (refusal := reserve.stopped(limits)) is not None:
        return refusal
    requested = f"model:{call.model}"
    common = _taken((on for on in limits.limits if _is_common(on.subject, requested)), call, candidates[0], now_ms)
    if not isinstance(common, tuple):
        return common
    budgets = reserve.at_present(limits.budgets, calendar, now_ms)
    kept: list[tuple[Candidate, tuple[Taken, ...], Ceiling | None]] = []
    first: Refusal | None = None
    for candidate in candidates:
        names = subjects_of(candidate.target.provider, candidate.target.model)
        on = (on for on in limits.limits if on.subject in names and not _is_common(on.subject, requested))
        own = _taken(on, call, candidate, now_ms, of_model=True)
        if not isinstance(own, tuple):
            first = first or own
            continue
        under = [on for on in budgets if on.subject in names or _is_common(on.subject, requested)]
        kept.append((candidate, own, reserve.ceiling(under, limits, now_ms)))
    if not kept:
        assert first is not None, "a call is planned for at least one candidate"
        return first
    return Limited(
        limits=limits,
        requested=requested,
        budgets=budgets,
        candidates=tuple(candidate for candidate, _, _ in kept),
        common=common,
        own=tuple(own for _, own, _ in kept),
        ceilings=tuple(top for _, _, top in kept),
    )


def is_stopped(limits: CallLimits) -> bool:
    """Whether the operator has stopped paid calls."""
    return any(on.limit.measure == "paid_calls" for on in limits.limits)


def owed(call: ModelCall, planned: Iterable[Planned], cost_rate: CostRate) -> dict[str, int]:
    """What may be owed to each provider for the call, at most, in nano-USD; by the rate where no price is known."""
    found: dict[str, int] = {}
    for one in planned:
        target = one.candidate.target
        prices = cost_rate(target.provider, target.model) or one.candidate.served.rate
        nanos = cost_bound(call, one.bound, prices) if prices is not None else 0
        found[target.provider] = max(nanos, found.get(target.provider, 0))
    return found


def within_caps(limits: CallLimits, planned: Sequence[P], owed_nanos: Mapping[str, int]) -> tuple[P, ...] | Refusal:
    """The candidates of providers whose caps allow what may be owed; the refusal if there are none."""
    kept: list[P] = []
    first: Refusal | None = None
    caps = {on.subject: on for on in limits.limits if on.limit.measure == "exposure"}
    for one in planned:
        provider = one.candidate.target.provider
        on = caps.get(f"provider:{provider}")
        taken = (
            reserve.take(on, Units(exposure_nanos=owed_nanos[provider]), 0, settled=True) if on is not None else None
        )
        if taken is None or isinstance(taken, Taken):
            kept.append(one)
        else:
            first = first or taken
    if not kept:
        assert first is not None, "a call is planned for at least one candidate"
        return first
    return tuple(kept)


def held(
    limited: Limited, planned: Collection[Planned], owed_nanos: Mapping[str, int], user_id: str, nanos: int, now_ms: int
) -> Held:
    """What the call takes for the candidates that it is planned for, when `nanos` are held for it.

    `owed_nanos` is what may be owed to each provider, if one has a cap.
    """
    exposed, cells = _exposed(limited.limits, planned, owed_nanos)
    chosen = [one.candidate for one in planned]
    taken = {(one.on.limit.id, one.on.subject): one for one in limited.common}
    names: set[str] = set()
    for candidate, own in zip(limited.candidates, limited.own, strict=True):
        if candidate in chosen:
            taken |= {(one.on.limit.id, one.on.subject): one for one in own}
            names.update(subjects_of(candidate.target.provider, candidate.target.model))
    under = [on for on in limited.budgets if on.subject in names or _is_common(on.subject, limited.requested)]
    rows, reservations = reserve.hold(under, limited.limits, user_id, nanos, now_ms)
    return Held(
        rows=(*(one.cell for one in taken.values()), *cells, *rows),
        reserved=(
            *(one.reservation for one in taken.values() if one.reservation is not None),
            *exposed,
            *reservations,
        ),
        rates=reserve.standing(taken.values(), now_ms),
    )


def _exposed(
    limits: CallLimits, planned: Collection[Planned], owed_nanos: Mapping[str, int]
) -> tuple[list[Reservation], list[LimitCell]]:
    """What may be owed to providers with a cap, and their cells with it."""
    exposed: list[Reservation] = []
    cells: list[LimitCell] = []
    providers = {one.candidate.target.provider for one in planned} if owed_nanos else ()
    for on in limits.limits:
        provider = name_of(on.subject)
        if on.limit.measure == "exposure" and provider in providers:
            nanos = owed_nanos[provider]
            exposed.append(Reservation("exposure", on.limit.id, on.subject, nanos))
            value = on.cell.value if on.cell else 0
            cells.append(LimitCell(limit_id=on.limit.id, subject=on.subject, value=value + nanos))
    return exposed, cells


def subjects_of(provider: str, model: str) -> tuple[str, ...]:
    """The subjects of one candidate: its model by its two names, and its provider."""
    return (f"model:{provider}/{model}", f"model:{model}", f"provider:{provider}")


def models_of(call: Call | AuditedCall) -> tuple[str, ...]:
    """The subjects of the model that has answered a call; none if none has."""
    if call.provider is None or call.provider_model is None:
        return ()
    return (*subjects_of(call.provider, call.provider_model), f"model:{call.model}")


def resolved(
    call_id: str, payer_id: str, reserved: Sequence[Reservation], counts: Counts, ended: Ended, now_ms: int
) -> tuple[Row, ...]:
    """The rows after one call has ended; for each alert that was reached an audit entry and a notice."""
    done = settled(reserved, counts, ended, now_ms)
    return (*done.rows, *alerted(call_id, payer_id, done.alerts, now_ms)) if done.alerts else done.rows


def charged_again(
    call: Call, adjustment: Adjustment, counts: Counts, wallet: User | None, before_nanos: int, now_ms: int,
    low_balance_nanos: int | None,
) -> tuple[Row, ...]:  # fmt: skip
    """What counts against the budgets and the run of a call after an adjustment of it, and the notices of crossings.

    `before_nanos` is the balance of the wallet before. `low_balance_nanos` is the threshold of wallets without one.
    """
    payer_id = call.payer_id
    done = again(call.reserved, counts, adjustment.counted_nanos, models_of(call), now_ms)
    threshold = threshold_of(wallet.low_balance_nanos if wallet is not None else None, low_balance_nanos)
    after_nanos = before_nanos - max(0, adjustment.amount_nanos)
    low = crossing(payer_id, threshold, before_nanos, after_nanos, adjustment.id, now_ms)
    return (*done.rows, *alerted(adjustment.id, payer_id, done.alerts, now_ms), *low)


def counted_nanos(call: Call, adjustments: Iterable[Adjustment], nanos: int) -> int:
    """What of an adjustment counts against budgets and runs: never more back than they have counted of the call.

    Adjustments from before budgets counted them count for nothing.
    """
    return max(nanos, -call.charge_nanos - sum(one.counted_nanos for one in adjustments)) if call.reserved else 0


def alerted(call_id: str, payer_id: str, alerts: Iterable[Alert], now_ms: int) -> tuple[Row, ...]:
    """An audit entry and a notice for each alert. `call_id` names the decision that has reached them."""
    alerts = tuple(alerts)
    notices = [reached(alert, call_id, payer_id, now_ms) for alert in alerts]
    return (*_entries(call_id, alerts, now_ms), *notices)


def _entries(call_id: str, alerts: Iterable[Alert], now_ms: int) -> list[AuditEntry]:
    return [
        AuditEntry(
            id=f"{call_id}:alert:{alert.budget_id}:{alert.percent}",
            at_ms=now_ms,
            actor="hub",
            action="budget alert",
            subject=alert.budget_id,
            detail=f"{alert.percent} %: {alert.spent_nanos} of {alert.amount_nanos} nanocredits for {alert.subject}",
        )
        for alert in alerts
    ]


class Resolved:
    """What counts against limits while a rule ends calls, one after the other; `rows` are those that have changed."""

    def __init__(self, counts: Counts) -> None:
        self._cells, self._spent, self._runs = dict(counts.cells), dict(counts.spent), dict(counts.runs)
        self._budgets = counts.budgets
        self._changed: dict[tuple[type, str, str], CountRow] = {}
        self._alerts: list[Row] = []

    def end(
        self, call_id: str, payer_id: str, reserved: Sequence[Reservation], ended: Ended, now_ms: int
    ) -> None:  # fmt: skip
        """Resolve the reservations of a call."""
        reserved = [one for one in reserved if one.kind != "balance"]
        counts = Counts(cells=self._cells, spent=self._spent, runs=self._runs, budgets=self._budgets)
        done = settled(reserved, counts, ended, now_ms)
        for one, row in zip(reserved, done.rows, strict=True):
            self._changed[type(row), one.id, one.subject] = row
            self._keep(one, row)
        self._alerts += alerted(call_id, payer_id, done.alerts, now_ms)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that have changed, with an audit entry and a notice for each alert that was reached."""
        return (*self._changed.values(), *self._alerts)

    def _keep(self, one: Reservation, row: CountRow) -> None:
        match row:
            case LimitCell():
                self._cells[one.id, one.subject] = row
            case BudgetSpent():
                self._spent[one.id, one.subject] = row
            case Run():
                self._runs[one.subject, one.id] = row


def tokens_of(usage: Usage | None) -> int | None:
    """How many tokens were used, in and out, of all types; None if that is unknown."""
    return None if usage is None else sum(getattr(usage, name) for name in _TOKENS)


def _is_common(subject: str, requested: str) -> bool:
    """Whether the subject is the same whichever candidate serves the call."""
    return not subject.startswith(_OF_A_CANDIDATE) or subject == requested


def _taken(
    limits: Iterable[LimitOn], call: ModelCall, candidate: Candidate, now_ms: int, of_model: bool = False
) -> tuple[Taken, ...] | Refusal:
    """What the call takes of these limits, or the refusal by one of them."""
    taken: list[Taken] = []
    units: Units | None = None
    for on in limits:
        if on.limit.measure in ("paid_calls", "exposure"):
            continue
        units = units or Units(tokens=likely_tokens(call, candidate.served.rate))
        one = reserve.take(on, units, now_ms, of_model)
        if not isinstance(one, Taken):
            return one
        taken.append(one)
    return tuple(taken)
