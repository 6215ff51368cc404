"""API keys: what each may do and has spent, and making one together with its limits and its budget."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.refusals import BadRequest, Refusal
from entrypoints.actions.action import Action, find_action
from entrypoints.http.dashboard.action_pages import done_text, path_of
from entrypoints.http.dashboard.forms import Field, fields_of_form, given_fields, with_error
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.pages.usage import stats_request
from entrypoints.http.dashboard.suggestions import suggestions_for
from entrypoints.http.errors import error_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.budgets import BudgetView, list_budgets
from entrypoints.usecases.manage.key_terms import KeyView
from entrypoints.usecases.manage.keys import KeyCreated, list_keys
from entrypoints.usecases.manage.stats import StatsView, show_stats
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import Credits

ROWS_MAX = 100
SPENT_IN = "30d"
# The fields of the form that become a limit or a budget of the new key, with the action and what else it is given.
_LIMITS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "requests_per_minute": ("limit set", "amount", {"measure": "requests", "per": "1m"}),
    "tokens_per_minute": ("limit set", "amount", {"measure": "tokens", "per": "1m"}),
    "calls_at_once": ("limit set", "amount", {"measure": "concurrency"}),
    "budget": ("budget set", "amount", {}),
}
_MORE = (
    Field(
        name="requests_per_minute", kind="number", hint="requests in any minute", required=False, placeholder="no limit"
    ),
    Field(name="tokens_per_minute", kind="number", hint="tokens in any minute", required=False, placeholder="no limit"),
    Field(name="calls_at_once", kind="number", hint="calls that run at once", required=False, placeholder="no limit"),
    Field(
        name="budget",
        kind="decimal",
        hint="credits that it may be charged in a period",
        required=False,
        placeholder="no budget",
    ),
    Field(
        name="budget_period",
        kind="select",
        hint="of the calendar",
        required=False,
        options=("day", "week", "month", "quarter"),
        default="month",
        value="month",
    ),
)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a budget is spent; `filled` in thousandths, at most all."""

    spent: Credits
    amount: Credits
    period: str
    filled: int


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key, what its calls of the last 30 days were charged, and its budgets."""

    key: KeyView
    calls: int
    charge: Credits
    bars: list[Bar]


async def keys_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/keys`: all keys for operators, else the visitor's own."""
    wanted = (request.query_value("q") or "").strip()
    keys = await keys_of(hub, visitor, None if visitor.may("see accounts") else visitor.name)
    found = [key for key in keys if not wanted or wanted in f"{key.user} {key.name} {key.prefix} {key.state} {key.id}"]
    values = {
        "rows": await key_rows(hub, visitor, found[:ROWS_MAX]),
        "left": max(0, len(found) - ROWS_MAX),
        "wanted": wanted,
        "show_user": visitor.may("see accounts"),
        "may_change": visitor.may("manage accounts"),
        "path_of": path_of,
        "done": done_text(request),
    }
    return View(template="keys.html", title="API keys", values=values)


async def keys_of(hub: CallContext, visitor: Visitor, user: str | None) -> list[KeyView]:
    """The keys of a user, or all; the newest first."""
    keys = await list_keys(visitor.acting(hub), NoFields())
    return [key for key in reversed(keys) if user is None or key.user == user] if isinstance(keys, list) else []


async def key_rows(hub: CallContext, visitor: Visitor, keys: list[KeyView]) -> list[KeyRow]:
    """The keys with what they have spent."""
    user = keys[0].user if keys and len({key.user for key in keys}) == 1 else ""
    request = stats_request(hub, since=SPENT_IN, by="key", user=user)
    stats = None if isinstance(request, BadRequest) else await show_stats(visitor.acting(hub), request)
    figures = {row.key: row.figures for row in stats.rows} if isinstance(stats, StatsView) else {}
    budgets = await list_budgets(visitor.acting(hub), NoFields())
    bars = _bars(budgets if isinstance(budgets, list) else [])
    return [
        KeyRow(
            key=key,
            calls=figures[key.id].calls if key.id in figures else 0,
            charge=figures[key.id].charge if key.id in figures else Credits(0),
            bars=bars.get(f"key:{key.id}", []),
        )
        for key in keys
    ]


async def new_key_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/keys/new`."""
    sent = {"user": request.query_value("user") or visitor.name}
    return _form(await _fields(hub, sent))


async def make_key(hub: CallContext, visitor: Visitor, request: Request, sent: Mapping[str, str]) -> View | Refusal:
    """`POST /dashboard/keys/new`: nothing is made unless the key, its limits and its budget can be."""
    fields = await _fields(hub, sent)
    parts = _parts(hub, fields, sent)
    if isinstance(parts, BadRequest):
        return _refused(fields, parts)
    (create, key), *others = parts
    for action, _ in others:
        if (refusal := visitor.refusal(action.permission)) is not None:
            return refusal
    made = await create.handler(visitor.acting(hub), key)
    if not isinstance(made, KeyCreated):
        return _refused(fields, made)
    replies = [
        await action.handler(visitor.acting(hub), msgspec.structs.replace(part, key=made.id)) for action, part in others
    ]
    problems = [error_of(reply).message for reply in replies if isinstance(reply, Refusal)]
    values = {"reply": made, "home": "/dashboard/keys", "home_label": "keys", "problems": problems, "set": len(replies)}
    return View(template="result.html", title="Key created", values=values)


def _bars(budgets: list[BudgetView]) -> dict[str, list[Bar]]:
    """The bars of the budgets of keys, by subject."""
    bars: dict[str, list[Bar]] = {}
    for budget in budgets:
        amount = budget.amount if budget.override is None else budget.override
        spent = {one.subject: one.spent for one in budget.spent} or {budget.subject: Credits(0)}
        for subject, nanos in spent.items():
            filled = 1000 if nanos >= amount else nanos * 1000 // amount
            bar = Bar(spent=nanos, amount=amount, period=budget.period, filled=filled)
            bars.setdefault(subject, []).append(bar)
    return bars


def _action(name: str) -> Action[Any, Any]:
    action = find_action(name)
    assert action is not None
    return action


async def _fields(hub: CallContext, sent: Mapping[str, str]) -> list[Field]:
    action = _action("key create")
    fields = fields_of_form(action, sent, {}, None, await suggestions_for(hub, action))
    more = [msgspec.structs.replace(field, value=sent.get(field.name, field.value)) for field in _MORE]
    return [*fields, *more]


def _parts(
    hub: CallContext, fields: list[Field], sent: Mapping[str, str]
) -> list[tuple[Action[Any, Any], Any]] | BadRequest:
    """The actions with their requests, the creation of the key first; or what is wrong with a field."""
    values, _ = given_fields([field for field in fields if field not in _MORE and field.name not in _EXTRA], sent)
    if isinstance(values, str):
        return BadRequest(field=values, problem="This cannot be read.")
    now_ms = hub.clock.now_ms()
    create = _action("key create")
    key = request_from(create, values, now_ms)
    if isinstance(key, BadRequest):
        return key
    parts: list[tuple[Action[Any, Any], Any]] = [(create, key)]
    for name, (of, target, more) in _LIMITS.items():
        if not (text := sent.get(name, "").strip()):
            continue
        action = _action(of)
        period = {"period": sent.get("budget_period", "month")} if name == "budget" else {}
        part = request_from(action, {target: text, **more, **period}, now_ms)
        if isinstance(part, BadRequest):
            return BadRequest(field=name, problem=part.problem)
        parts.append((action, part))
    return parts


_EXTRA = frozenset(field.name for field in _MORE)


def _refused(fields: list[Field], refusal: Any) -> View:
    error = error_of(refusal)
    if isinstance(refusal, BadRequest) and any(field.name == refusal.field for field in fields):
        problem = refusal.problem[:1].upper() + refusal.problem[1:]
        return _form(with_error(fields, refusal.field, problem), status=error.status)
    return _form(fields, error.message, error.status)


def _form(fields: list[Field], error: str = "", status: int = 200) -> View:
    values = {
        "main": [field for field in fields if field.name in ("user", "name", "expires_in", "purpose")],
        "access": [field for field in fields if field.name in ("models", "operations")],
        "limits": [field for field in fields if field.name in _EXTRA],
        "rest": [
            field
            for field in fields
            if field.name not in {"user", "name", "expires_in", "purpose", "models", "operations"} | _EXTRA
        ],
        "error": error,
    }
    return View(template="new_key.html", title="Create key", values=values, status=status)
