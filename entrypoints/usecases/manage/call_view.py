"""Calls and their adjustments as they are shown: every field, amounts as exact decimals, moments in UTC."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from domain.books.rows import Ending, UsageSource
from domain.ledger.rows import Adjustment, Transfer, TransferKind
from domain.model_api.call import AttemptRecord
from domain.usage import Usage
from entrypoints.usecases.manage.call_log import CallReport
from entrypoints.usecases.public_types import Credits, Dollars, Moment, moment


class UsageView(Usage, frozen=True, kw_only=True, omit_defaults=False):
    """What was used, as disjoint units; units that were not used are shown, too."""


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a provider: "answered", or the kind of its failure."""

    provider: str
    credential_id: str | None
    outcome: str
    status: int
    message: str
    duration_ms: int
    cost_usd: Dollars | None
    dropped: Annotated[tuple[str, ...], Meta(description="parameters that the provider's dialect cannot express")]


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call with every field. A field of null is unknown, or does not apply."""

    id: str
    user: str
    team: Annotated[str | None, Meta(description="the team of the key")]
    key_id: str
    dialect: Annotated[str, Meta(description="the caller's API")]
    model: Annotated[str, Meta(description="the model as it was requested")]
    stream: bool
    ending: Annotated[Ending | None, Meta(description="how it ended; null while it runs")]
    incomplete: Annotated[bool, Meta(description="whether the caller was left with a part of the answer, or none")]
    error: str | None
    started: Moment
    ended: Moment | None
    duration_ms: int | None
    first_byte_ms: int | None
    provider: str | None
    provider_model: str | None
    credential_id: str | None
    attempts: list[AttemptView]
    usage: UsageView | None
    usage_source: UsageSource | None
    usage_note: str | None
    size: Annotated[str | None, Meta(description="the size of the images or of the video that were made")]
    quality: Annotated[str | None, Meta(description="their quality")]
    billed: bool
    charge: Credits
    hold: Credits
    uncollected: Annotated[Credits, Meta(description="the price of usage beyond the hold, which was not charged")]
    rate_id: str | None
    service_tier: str | None
    cost_usd: Annotated[Dollars | None, Meta(description="what the provider asks for the call")]
    price_id: str | None
    cost_unknown: Annotated[bool, Meta(description="whether the provider may ask for usage that it did not report")]
    idempotency_key: str | None
    app: Annotated[str | None, Meta(description="the app that the request names, or else the app of the key")]
    run_id: Annotated[str | None, Meta(description="the run or the session of an agent that the request names")]
    trace_id: Annotated[str | None, Meta(description="the trace that the request belongs to")]
    client: Annotated[str | None, Meta(description="the program that sent the request")]
    wallet_id: Annotated[str, Meta(description="the account that pays: that of the user, or of the team")]
    process: Annotated[str | None, Meta(description="the process that runs the call, or left it; null once settled")]
    adjusted: Annotated[Credits, Meta(description="what later adjustments charged, or gave back if below zero")]


class AdjustmentView(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment of a call's charge, after a correction of its rate or of a call that was not lost.

    `owed` is what the wallet lacked.
    """

    rate_id: str
    amount: Credits
    owed: Credits
    at: Moment


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the journal: an amount that was moved from one account to another."""

    kind: TransferKind
    from_account: str
    to_account: str
    amount: Credits
    at: Moment


class CallWithAdjustments(CallView, frozen=True, kw_only=True):
    """A call, every later adjustment of its charge, and every move of credit that it caused."""

    adjustments: list[AdjustmentView]
    lines: list[LineView]


Shown = TypeVar("Shown", bound=CallView)


def error_for_users(error: str | None, attempts: Sequence[AttemptRecord | AttemptView]) -> str | None:
    """The error of a call without what a provider wrote about the operator's credential."""
    is_of_credential = any(one.outcome == "credential_rejected" and one.message == error for one in attempts)
    return "the provider rejected the hub's credential" if is_of_credential else error


def without_costs(view: Shown) -> Shown:
    """The call without what it costs the operator, by which credentials, and what providers wrote to the operator."""
    hidden = {"credential_id": None, "cost_usd": None}
    attempts = [msgspec.structs.replace(one, message="", **hidden) for one in view.attempts]
    error = error_for_users(view.error, view.attempts)
    return msgspec.structs.replace(
        view, error=error, attempts=attempts, price_id=None, cost_unknown=False, process=None, **hidden
    )


def call_in_full(report: CallReport) -> CallWithAdjustments:
    """A call with the moves of credit, to show it."""
    return CallWithAdjustments(
        **msgspec.structs.asdict(call_view(report)),
        adjustments=[*map(adjustment_view, report.logged.adjustments)],
        lines=[*map(_line_view, report.lines)],
    )


def _line_view(line: Transfer) -> LineView:
    return LineView(
        kind=line.kind,
        from_account=line.from_account,
        to_account=line.to_account,
        amount=Credits(line.amount_nanos),
        at=Moment(line.at_ms),
    )


def call_view(report: CallReport) -> CallView:
    """A call, to show it."""
    call, usage = report.logged.call, report.logged.usage
    return CallView(
        id=call.id,
        user=report.user,
        team=report.team,
        key_id=call.key_id,
        dialect=call.dialect,
        model=call.model,
        stream=call.stream,
        ending=call.ending,
        incomplete=report.incomplete,
        error=call.error,
        started=Moment(call.started_ms),
        ended=moment(call.ended_ms),
        duration_ms=None if call.ended_ms is None else call.ended_ms - call.started_ms,
        first_byte_ms=call.first_byte_ms,
        provider=call.provider,
        provider_model=call.provider_model,
        credential_id=call.credential_id,
        attempts=[*map(_attempt, call.attempts)],
        usage=UsageView(**msgspec.structs.asdict(usage)) if usage else None,
        usage_source=call.usage_source,
        usage_note=call.usage_note,
        size=call.size,
        quality=call.quality,
        billed=call.billed,
        charge=Credits(call.charge_nanos),
        hold=Credits(call.hold_nanos),
        uncollected=Credits(call.uncollected_nanos),
        rate_id=call.rate_id,
        service_tier=call.service_tier,
        cost_usd=_cost(call.cost_nanos),
        price_id=call.price_id,
        cost_unknown=report.cost_unknown,
        idempotency_key=call.idempotency_key,
        app=call.app,
        run_id=call.run_id,
        trace_id=call.trace_id,
        client=call.client,
        wallet_id=call.payer_id,
        process=call.owner,
        adjusted=Credits(report.logged.adjusted_nanos),
    )


def adjustment_view(adjustment: Adjustment) -> AdjustmentView:
    """An adjustment, to show it."""
    return AdjustmentView(
        rate_id=adjustment.rate_id,
        amount=Credits(adjustment.amount_nanos),
        owed=Credits(adjustment.owed_nanos),
        at=Moment(adjustment.at_ms),
    )


def _attempt(attempt: AttemptRecord) -> AttemptView:
    fields = msgspec.structs.asdict(attempt)
    return AttemptView(
        **{name: value for name, value in fields.items() if name != "cost_nanos"}, cost_usd=_cost(attempt.cost_nanos)
    )


def _cost(nanos: int | None) -> Dollars | None:
    """The cost; None if it is unknown."""
    return None if nanos is None else Dollars(nanos)
