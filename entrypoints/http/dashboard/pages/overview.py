"""The overview: balance, what was spent, the latest calls, and first steps while the hub is new."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from domain.catalog.vendors import ECHO
from domain.refusals import BadRequest, Refusal
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.pages.own_calls import newest_calls, sees_all
from entrypoints.http.dashboard.pages.usage import stats_request
from entrypoints.http.dashboard.rendering import ms_of, text_of
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import ShowBalance, WalletView, show_balance
from entrypoints.usecases.manage.stats import StatsRow, StatsView, show_stats
from entrypoints.usecases.manage.stats_figures import Figures
from entrypoints.usecases.public_types import Credits, Moment

LATEST = 8


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the overview."""

    label: str
    figure: str
    unit: str = ""
    note: str = ""


class DayBar(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the chart, and how high its bar is."""

    since: Moment
    charge: Credits
    calls: int
    height: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One of the first steps of an operator."""

    title: str
    text: str
    path: str
    button: str
    done: bool
    is_next: bool = False


async def overview_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard`."""
    wallet = await show_balance(visitor.acting(hub), ShowBalance(user=visitor.name))
    if not isinstance(wallet, WalletView):
        return wallet
    calls = await newest_calls(hub, visitor, limit=LATEST)
    tiles = _wallet_tiles(hub, wallet)
    whose = "of all users" if sees_all(visitor) else "charged to you"
    day, month = await _stats(hub, visitor, since="1d"), await _stats(hub, visitor, since="30d", every="day")
    values = {
        "wallet": wallet,
        "tiles": [*tiles, *_usage_tiles(day.total, month.total, whose)] if day and month else tiles,
        "days": _days(month.rows) if month else [],
        "calls": calls,
        "steps": await _steps(hub, visitor, bool(calls)),
    }
    return View(template="overview.html", title="Overview", values=values)


def _wallet_tiles(hub: CallContext, wallet: WalletView) -> list[Tile]:
    charged = "calls are charged to it" if hub.billed else "billing is off: calls are not charged"
    return [
        Tile(label="Available credit", figure=text_of(wallet.available), unit="credits", note=charged),
        Tile(
            label="Held by running calls", figure=text_of(wallet.held), unit="credits", note="set aside until they end"
        ),
    ]


async def _stats(hub: CallContext, visitor: Visitor, **given: str) -> StatsView | None:
    """The sums of all users for operators, else the visitor's own."""
    request = stats_request(hub, user="" if sees_all(visitor) else visitor.name, **given)
    stats = None if isinstance(request, BadRequest) else await show_stats(visitor.acting(hub), request)
    return stats if isinstance(stats, StatsView) else None


def _usage_tiles(day: Figures, month: Figures, whose: str) -> list[Tile]:
    """What was charged in the last day and month, and how calls went in the last day."""
    failed = day.calls - day.completed
    share = f"{failed * 1000 // day.calls // 10}.{failed * 1000 // day.calls % 10} %" if day.calls else "none"
    return [
        Tile(
            label="Spent in 24 hours", figure=text_of(day.charge), unit="credits", note=f"{day.calls:,} calls {whose}"
        ),
        Tile(
            label="Spent in 30 days",
            figure=text_of(month.charge),
            unit="credits",
            note=f"{month.calls:,} calls {whose}",
        ),
        Tile(label="Not completed", figure=f"{failed:,}", note=f"{share} of the calls in 24 hours"),
        Tile(
            label="Average time",
            figure=ms_of(day.average_ms),
            note=f"in 24 hours; first byte after {ms_of(day.average_first_byte_ms)}",
        ),
    ]


def _days(rows: Sequence[StatsRow]) -> list[DayBar]:
    """A bar for each day, the highest of 58 parts; none where nothing was charged."""
    highest = max((row.figures.charge for row in rows), default=0)
    if highest <= 0:
        return []
    return [
        DayBar(
            since=row.since or Moment(0),
            charge=row.figures.charge,
            calls=row.figures.calls,
            height=max(1 if row.figures.calls else 0, row.figures.charge * 58 // highest),
        )
        for row in rows
    ]


async def _steps(hub: CallContext, visitor: Visitor, has_calls: bool) -> list[Step]:
    """The first steps, until all of them are done."""
    if not (visitor.may("manage models") and visitor.may("manage accounts")):
        return []
    catalog = await hub.current_catalog()
    keys = [key for key in await hub.storage.keys() if key.purpose != "management" and key.prefix]
    steps = [
        Step(
            title="Add a provider",
            text="Pick a vendor, then add its credential. The built-in echo works without one.",
            path="/dashboard/providers/new",
            button="Add provider",
            done=any(name != ECHO.name for name in catalog.providers),
        ),
        Step(
            title="Make an API key",
            text="For an app or a user. Limit it by models, operations and expiry.",
            path=f"/dashboard/keys/new?{urlencode({'user': visitor.name})}",
            button="Create key",
            done=len(keys) > 1,
        ),
        Step(
            title="Make the first call",
            text="Ask a model in the playground; the call appears below with its charge.",
            path="/dashboard/playground",
            button="Open playground",
            done=has_calls,
        ),
    ]
    if all(step.done for step in steps):
        return []
    following = next(number for number, step in enumerate(steps) if not step.done)
    return [msgspec.structs.replace(step, is_next=number == following) for number, step in enumerate(steps)]
