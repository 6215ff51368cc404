"""The overview: balance, what was spent, the latest calls, and first steps while the hub is new."""

from urllib.parse import urlencode

import msgspec

from domain.catalog.vendors import ECHO
from domain.refusals import BadRequest, Refusal
from entrypoints.http.dashboard.action_pages import path_of
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.pages.own_calls import newest_calls, sees_all
from entrypoints.http.dashboard.pages.usage import stats_request
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import ShowBalance, WalletView, show_balance
from entrypoints.usecases.manage.stats import StatsView, show_stats

LATEST = 8


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the overview."""

    label: str
    figure: str
    unit: str = ""
    note: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One of the first steps of an operator."""

    title: str
    text: str
    path: str
    button: str
    done: bool


async def overview_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard`."""
    wallet = await show_balance(visitor.acting(hub), ShowBalance(user=visitor.name))
    if not isinstance(wallet, WalletView):
        return wallet
    calls = await newest_calls(hub, visitor, limit=LATEST)
    values = {
        "wallet": wallet,
        "tiles": [*_wallet_tiles(hub, wallet), *await _usage_tiles(hub, visitor)],
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


async def _usage_tiles(hub: CallContext, visitor: Visitor) -> list[Tile]:
    """What was charged in the last day and month, of all users for operators."""
    user = "" if sees_all(visitor) else visitor.name
    whose = "of all users" if sees_all(visitor) else "charged to you"
    tiles = []
    for since, words in (("1d", "24 hours"), ("30d", "30 days")):
        request = stats_request(hub, since=since, user=user)
        stats = None if isinstance(request, BadRequest) else await show_stats(visitor.acting(hub), request)
        if isinstance(stats, StatsView):
            total = stats.total
            failed = total.calls - total.completed
            note = f"{total.calls} calls {whose}, {failed} not completed"
            tiles.append(Tile(label=f"Spent in {words}", figure=text_of(total.charge), unit="credits", note=note))
    return tiles


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
            path=path_of("provider add"),
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
    return [] if all(step.done for step in steps) else steps
