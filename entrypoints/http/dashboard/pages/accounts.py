"""Users and their credit."""

import msgspec

from domain.refusals import NotFound, Refusal
from entrypoints.http.dashboard.action_pages import done_text, path_of
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.pages.keys import key_rows, keys_of
from entrypoints.http.dashboard.pages.own_calls import newest_calls
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import ShowBalance, WalletView, show_balance
from entrypoints.usecases.manage.users import NamedUser, UserView, list_users, show_user
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import Credits

ROWS_MAX = 200
LATEST = 10


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the list, with the credit that is available now."""

    user: UserView
    available: Credits


async def users_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/users`."""
    wanted = (request.query_value("q") or "").strip()
    users = await list_users(visitor.acting(hub), NoFields())
    if not isinstance(users, list):
        return users
    found = [one for one in users if not wanted or wanted in f"{one.name} {one.email} {one.display_name} {one.role}"]
    rows = []
    for user in found[:ROWS_MAX]:
        wallet = await show_balance(visitor.acting(hub), ShowBalance(user=user.name))
        available = wallet.available if isinstance(wallet, WalletView) else Credits(0)
        rows.append(UserRow(user=user, available=available))
    values = {
        "rows": rows,
        "left": max(0, len(found) - ROWS_MAX),
        "wanted": wanted,
        "path_of": path_of,
        "done": done_text(request),
    }
    return View(template="users.html", title="Users and credit", values=values)


async def user_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/users/{name}`: one user with wallet, keys and latest calls."""
    name = request.path_values["name"]
    user = await show_user(visitor.acting(hub), NamedUser(name=name))
    wallet = await show_balance(visitor.acting(hub), ShowBalance(user=name))
    if not isinstance(user, UserView) or not isinstance(wallet, WalletView):
        return user if not isinstance(user, UserView) else NotFound(kind="user", name=name)
    values = {
        "user": user,
        "wallet": wallet,
        "keys": await key_rows(hub, visitor, await keys_of(hub, visitor, name)),
        "calls": await newest_calls(hub, visitor, LATEST, name),
        "path_of": path_of,
    }
    return View(template="user.html", title=user.display_name or user.name, values=values)
