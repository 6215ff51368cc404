"""What counts against limits on every storage engine: concurrent calls share one row and never take more than it has."""

import asyncio
from functools import partial

import msgspec
import pytest

from domain.billing.plan import Plan, Refused, plan_call
from domain.billing.settlement import settle
from domain.books.limit_scopes import LimitScope, NamedBudgetScope, RunScope
from domain.books.management_scopes import UserScope
from domain.books.rows import Row
from domain.books.scopes import CallScope, SettleScope
from domain.ledger.ledger import add_grant
from domain.limits.rows import Run
from ports.books import Storage
from tests.adapters.storage_rules import look, write
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_grant,
    a_key,
    a_plan_request,
    a_provider,
    a_rate,
    a_user,
    an_outcome,
)
from tests.domain.build_limits import a_budget, a_limit

pytestmark = pytest.mark.anyio

PEOPLE = ("ada", "bob")
LIMITS = (a_limit("hub", amount=9), a_limit("user:*", "concurrency", 4))
BUDGETS = (a_budget(7 * BOUND_NANOS, "month", "hub"), a_budget(3 * BOUND_NANOS, "day", "user:bob", alerts=(10, 100)))


async def prepared(storage: Storage) -> int:
    """Two rich users under limits that they share; the version of the catalogue."""
    rows: list[Row] = [a_provider(), a_rate(), *LIMITS, *BUDGETS]
    for name in PEOPLE:
        grant = a_grant(10**12, id=f"grant of {name}", user_id=name)
        rows += [a_user(name), a_key(name), grant, *add_grant(grant).transfers]
    await storage.decide(UserScope(name="ada"), write(*rows))
    return await storage.catalog_version()


async def planned(storage: Storage, version: int, name: str, n: int) -> Plan | Refused:
    request = a_plan_request(f"call-{name}-{n}", version=version)
    scope = CallScope(fingerprint=f"fingerprint of {name}", models=("acme/small", "small"), run_id="r1")
    found = await storage.decide(scope, lambda facts: plan_call(facts, request, NOW_MS))
    assert isinstance(found, Plan | Refused), found
    return found


async def test_concurrent_calls_of_several_users_share_limits_and_budgets_exactly(storage: Storage) -> None:
    version = await prepared(storage)

    results = await asyncio.gather(*(planned(storage, version, PEOPLE[n % 2], n) for n in range(40)))

    plans = [result for result in results if isinstance(result, Plan)]
    by_user = [plan.user.id for plan in plans]
    assert len(plans) == 7, "the budget of the hub"
    assert (by_user.count("ada"), by_user.count("bob")) == (4, 3), "the limit of each user, and the budget of Bob"
    for plan in plans:
        outcome = msgspec.structs.replace(an_outcome(plan.hold.id), user_id=plan.user.id)
        scope = SettleScope(call_id=plan.hold.id, user_id=plan.user.id)
        await storage.decide(scope, partial(settle, outcome=outcome, now_ms=NOW_MS))
    spent = {(row.budget_id, row.subject): row for row in await storage.budget_spent()}
    assert {row.held_nanos for row in spent.values()} == {0}
    assert spent[BUDGETS[0].id, "hub"].month_nanos == 7 * 156_000
    cells = {(cell.limit_id, cell.subject): cell.value for cell in await storage.limit_cells()}
    assert (cells[LIMITS[1].id, "user:ada"], cells[LIMITS[1].id, "user:bob"]) == (0, 0)
    assert [entry.action for entry in await storage.audit(9)] == ["budget alert"]


async def test_limits_budgets_and_runs_are_read_as_they_were_written(storage: Storage) -> None:
    await prepared(storage)
    run = Run(user_id="ada", run_id="r1", created_ms=1, purse_nanos=5)
    gone = msgspec.structs.replace(LIMITS[0], removed_ms=7)
    await storage.decide(RunScope(user_id="ada", run_id="r1"), write(run, gone))

    assert await storage.limits() == [LIMITS[1]]
    assert await storage.budgets() == sorted(BUDGETS, key=lambda budget: budget.id)
    assert (await storage.run("ada", "r1"), await storage.run("bob", "r1")) == (run, None)
    assert (await storage.runs("ada", 9), await storage.runs("bob", 9), await storage.runs(None, 9)) == (
        [run],
        [],
        [run],
    )
    assert (await storage.decide(LimitScope(subject="hub"), look)).shown == ()
    assert (await storage.decide(NamedBudgetScope(budget_id=BUDGETS[0].id), look)).shown == BUDGETS[0]
