"""Builders with defaults, so that a test names only what it is about.

The default rate sells input at 150 nanos a token and output at 600; the default call is 500 bytes with a cap of
100 tokens: at most 2,000 tokens in and 100 out, so its bound is 360,000 nanos.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.billing.late_settlement import settle_late_too
from domain.billing.metering import Meter, observe
from domain.billing.plan import Plan, Planned, PlanRequest, plan_call
from domain.billing.settlement import Outcome, Settlement
from domain.billing.sweep import Owners, Swept, sweep
from domain.billing.verification import Auditor, Difference, Totals
from domain.books.rows import Decision, Hold, Row
from domain.books.scopes import CallScope, SettleScope, SweepScope
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias, AliasTarget
from domain.catalog.catalog import Catalog, Served, catalog_of
from domain.catalog.rows import Credential, ProviderRow
from domain.failures import Failure, FailureKind
from domain.ledger.audited import AuditedCall, AuditedLine
from domain.ledger.ledger import add_grant
from domain.ledger.rows import Grant
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended, Event, Finished, TextDelta, UsageReported
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.routing.learned import Advice
from domain.routing.order import Candidate, Circumstances, order
from domain.routing.tree import Group, Member, RouteNode
from domain.usage import Usage
from tests.domain.build_limits import plain_calendar
from tests.support.parts import part_of

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
BOUND_NANOS = 360_000
FINGERPRINT = "fingerprint of ada"


def a_rate(**changes: Any) -> Rate:
    """The default rate with changes; `input_nanos` and the like change its prices."""
    rate = Rate(
        id="rate-1",
        provider="acme",
        model="small",
        effective_ms=0,
        known_ms=0,
        source="test",
        prices=UnitPrices(input_nanos=150_000_000, output_nanos=600_000_000),
    )
    return with_prices(rate, **changes)


def with_prices(rate: Rate, **changes: Any) -> Rate:
    """The rate with changes, those to its prices included."""
    own = {name: value for name, value in changes.items() if name in UnitPrices.__struct_fields__}
    others = {name: value for name, value in changes.items() if name not in own}
    return msgspec.structs.replace(rate, **({"prices": msgspec.structs.replace(rate.prices, **own)} | others))


def a_grant(nanos: int = 1_000_000_000, **changes: Any) -> Grant:
    grant = Grant(
        id="grant-1",
        user_id="ada",
        amount_nanos=nanos,
        available_nanos=nanos,
        held_nanos=0,
        priority=0,
        effective_ms=0,
        expires_ms=None,
        created_ms=0,
        source="test",
    )
    return msgspec.structs.replace(grant, **changes)


def a_user(user_id: str = "ada", **changes: Any) -> User:
    return msgspec.structs.replace(User(id=user_id, name=user_id, role="guest", created_ms=0), **changes)


def a_key(user_id: str = "ada", **changes: Any) -> ApiKey:
    key = ApiKey(
        id=f"key of {user_id}",
        user_id=user_id,
        name="laptop",
        fingerprint=f"fingerprint of {user_id}",
        prefix="ah_1234",
        created_ms=0,
    )
    return msgspec.structs.replace(key, **changes)


def a_provider(name: str = "acme", **changes: Any) -> ProviderRow:
    provider = ProviderRow(name=name, dialect="openai", base_url=f"https://{name}.example/v1", created_ms=0)
    return msgspec.structs.replace(provider, **changes)


def an_alias(name: str = "fast", *models: str, **changes: Any) -> Alias:
    """An alias that leads to those models, in turns."""
    targets = tuple(AliasTarget(model=model) for model in models or ("acme/small",))
    alias = Alias(id=f"alias of {name}", name=name, strategy="round-robin", targets=targets, known_ms=0)
    return msgspec.structs.replace(alias, **changes)


def a_credential(credential_id: str = "cred-1", **changes: Any) -> Credential:
    credential = Credential(
        id=credential_id,
        provider="acme",
        name=credential_id,
        sealed=b"sealed " + credential_id.encode(),
        masked="sk-a…wxyz",
        weight=1,
        created_ms=0,
    )
    return msgspec.structs.replace(credential, **changes)


def a_chat_call(**changes: Any) -> ModelCall:
    call = ModelCall(
        dialect="openai", model="acme/small", fields={}, body_bytes=500, output_tokens_max=100, cap_field="max_tokens"
    )
    return msgspec.structs.replace(call, **changes)


def an_offer(rate: Rate | None = None, provider: str = "acme") -> Served:
    rate = a_rate() if rate is None else rate
    return Served(provider=a_provider(provider), model=rate.model, rate=rate)


def a_candidate(rate: Rate | None = None, provider: str = "acme") -> Candidate:
    """A route node to make the call at a provider that needs no credential."""
    return candidates_for(an_offer(rate, provider))[0]


def candidates_for(*offers: Served) -> tuple[Candidate, ...]:
    catalog = catalog_of(0, [offer.provider for offer in offers], [], [])
    return order(a_group(*offers), circumstances(catalog)).candidates


def a_group(*nodes: RouteNode | Member, **changes: Any) -> Group:
    """Equal nodes, in turns, under the names of their providers or keys; or members as they are."""
    members = tuple(node if isinstance(node, Member) else Member(name=_name(node), node=node) for node in nodes)
    return msgspec.structs.replace(Group(key="any", strategy="round-robin", members=members), **changes)


def _name(node: RouteNode) -> str:
    return node.key if isinstance(node, Group) else node.provider.name


def circumstances(catalog: Catalog, advice: Advice | None = None, **changes: Any) -> Circumstances:
    at = Circumstances(catalog=catalog, advice=advice or Advice(), call=a_chat_call(), caller="ada", now_ms=NOW_MS)
    return msgspec.structs.replace(at, **changes)


def a_plan_request(call_id: str = "call-1", call: ModelCall | None = None, **changes: Any) -> PlanRequest:
    requested = PlanRequest(
        call_id=call_id,
        call=a_chat_call() if call is None else call,
        version=0,
        candidates=(a_candidate(),),
        cost_rate=lambda provider, model: None,
        calendar=plain_calendar,
        billed=True,
        owner="process-1",
        deadline_ms=NOW_MS + HOUR_MS,
    )
    return msgspec.structs.replace(requested, **changes)


def an_answer(text: str = "Hello, world", usage: Usage | None = None) -> tuple[Event, ...]:
    """A whole answer; without a usage it is one whose provider reported none."""
    reported: tuple[Event, ...] = () if usage is None else (UsageReported(usage=usage),)
    return (TextDelta(text=text), *reported, Finished(reason="stop"), Ended())


def a_meter(events: Sequence[Event] = ()) -> Meter:
    return observe(Meter(), events)


def a_failure(kind: FailureKind = "unavailable", **changes: Any) -> Failure:
    return msgspec.structs.replace(Failure(kind=kind, message="no"), **changes)


def an_outcome(call_id: str = "call-1", events: Sequence[Event] | None = None, **changes: Any) -> Outcome:
    """A completed call whose provider reported 1,000 tokens in and 10 out: 156,000 nanos at the default rate."""
    if events is None:
        events = an_answer(usage=Usage(input_tokens=1_000, output_tokens=10))
    outcome = Outcome(
        call_id=call_id,
        user_id="ada",
        ending="completed",
        meter=a_meter(events),
        input_tokens=125,
        attempts=(),
        served=a_candidate().target,
        rate=a_rate(),
    )
    return msgspec.structs.replace(outcome, **changes)


# --- books --------------------------------------------------------------------------------------------------


def books_with(*rows: Row) -> Books:
    """Books at version 0 that hold Ada with her key, the default rate, and these rows; grants come with their grant."""
    books = Books()
    for row in (a_user(), a_key(), a_rate(), *rows):
        if isinstance(row, Grant):
            write(books, *add_grant(row).transfers)
        write(books, row)
    books.version = 0
    return books


def write(books: Books, *rows: Row) -> None:
    for row in rows:
        books.apply(row)


def decided(books: Books, decision: Decision) -> None:
    write(books, *decision.writes)


def plan_in(
    books: Books,
    requested: PlanRequest,
    now_ms: int = NOW_MS,
    fingerprint: str = FINGERPRINT,
    run_id: str | None = None,
) -> Planned:
    targets = [candidate.target for candidate in requested.candidates]
    names = [requested.call.model, *(name for at in targets for name in (f"{at.provider}/{at.model}", at.model))]
    scope = CallScope(
        fingerprint=fingerprint,
        idempotency_key=requested.idempotency_key,
        models=tuple(dict.fromkeys(names)),
        providers=tuple({at.provider for at in targets}),
        run_id=run_id,
    )
    planned = plan_call(scope.view(books), requested, now_ms)
    decided(books, planned)
    return planned


def started_in(books: Books, requested: PlanRequest, now_ms: int = NOW_MS) -> Hold:
    planned = plan_in(books, requested, now_ms)
    assert isinstance(planned, Plan), planned
    return planned.hold


def settle_in(books: Books, outcome: Outcome, now_ms: int = NOW_MS) -> Settlement:
    settlement = settle_late_too(
        SettleScope(call_id=outcome.call_id, user_id=outcome.user_id).view(books), outcome, now_ms
    )
    decided(books, settlement)
    return settlement


def sweep_in(
    books: Books, now_ms: int = NOW_MS, gone: Sequence[str] = (), low_balance_nanos: int | None = None
) -> Swept:  # fmt: skip
    swept = sweep(SweepScope(now_ms=now_ms).view(books), Owners(gone=frozenset(gone)), now_ms, low_balance_nanos)
    decided(books, swept)
    return swept


def proof(books: Books) -> Totals | Difference:
    """What the auditor says of all the books."""
    auditor = Auditor()
    for limit in books.limiting.limits.values():
        auditor.limits.limit(limit)
    for cell in books.limiting.cells.values():
        auditor.limits.cell(cell)
    for spent in books.limiting.spent.values():
        auditor.limits.spent(spent)
    for run in books.limiting.runs.values():
        auditor.limits.run(run)
    for versions in books.rates.values():
        for rate in versions:
            auditor.rate(rate)
    auditor.lines([part_of(AuditedLine, transfer) for transfer in books.journal.values()])
    auditor.all_lines_taken()
    for adjustments in books.adjustments.values():
        for adjustment in adjustments:
            auditor.adjustment(adjustment)
    for call in books.calls.values():
        auditor.call(part_of(AuditedCall, call))
    for hold in books.holds.values():
        auditor.hold(hold)
    for grant in books.grants.values():
        auditor.grant(grant)
    return auditor.conclude()
