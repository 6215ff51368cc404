"""The commands about users, their keys and their credit."""

from argparse import Namespace

from domain.ledger.ledger import is_effective
from domain.ledger.rows import Grant
from domain.money import format_credits
from domain.refusals import NotFound
from entrypoints.cli.output import Complaint, Said, complaint, fields, made, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.manage import credit, users
from entrypoints.usecases.management_context import ManagementContext


async def add_user(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`user add`, with starter credit if new users get some."""
    starter = users.Starter(nanos=settings.starter_nanos, days=settings.starter_days)
    given = starter if settings.starter_enabled else None
    outcome = made(await users.create_user(desk, args.actor, args.name, args.role, given))
    granted = format_credits(given.nanos) if given else "0"
    text = f"added user {args.name} ({args.role})" + (f" with {granted} credits to start" if given else "")
    value = {"id": getattr(outcome.row, "id", None), "name": args.name, "role": args.role, "granted": granted}
    return Said(value=value, text=text)


async def list_users(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`user list`."""
    found = [
        {"id": user.id, "name": user.name, "role": user.role, "created": moment(user.created_ms)}
        for user in await desk.storage.users()
    ]
    rows = [(user["name"], user["role"], user["created"], user["id"]) for user in found]
    return Said(value=found, text=table(("NAME", "ROLE", "CREATED", "ID"), rows, "There are no users yet."))


async def create_key(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`key create`: the only place where a key is told."""
    minted = await users.create_key(desk, args.actor, args.user, args.name)
    if not isinstance(minted, users.Minted):
        raise complaint(minted)
    key = minted.key
    value = {"id": key.id, "key": minted.text, "user": args.user, "name": key.name, "prefix": key.prefix}
    return Said(value=value, text=minted.text, note=f"This is {key.id} for {args.user}. It is not shown again.")


async def list_keys(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`key list`."""
    found = [
        {
            "id": key.id,
            "user": user,
            "name": key.name,
            "prefix": key.prefix,
            "created": moment(key.created_ms),
            "revoked": moment(key.revoked_ms),
        }
        for key, user in await users.keys_with_users(desk.storage)
    ]
    rows = [(key["id"], key["user"], key["name"], f"{key['prefix']}…", key["created"], key["revoked"]) for key in found]
    heads = ("ID", "USER", "NAME", "KEY", "CREATED", "REVOKED")
    return Said(value=found, text=table(heads, rows, "There are no keys yet; make one with `aihub key create`."))


async def revoke_key(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`key revoke`; revoking twice is no error."""
    made(await users.revoke(desk, args.actor, args.id))
    return Said(value={"id": args.id, "revoked": True}, text=f"revoked {args.id}")


async def grant_credit(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credit grant`."""
    outcome = made(await credit.grant(desk, args.actor, args.user, args.amount, args.expires_in, args.priority))
    if not isinstance(outcome.row, Grant):
        raise Complaint("nothing was granted")
    until = f" until {moment(outcome.row.expires_ms)}" if outcome.row.expires_ms else ""
    text = f"granted {format_credits(args.amount)} credits to {args.user}{until}"
    return Said(value={"user": args.user, **_grant(outcome.row, outcome.row.created_ms)}, text=text)


async def show_balance(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credit balance`."""
    wallet = await credit.wallet(desk, args.user)
    if isinstance(wallet, NotFound):
        raise complaint(wallet)
    grants = [_grant(grant, wallet.at_ms) for grant in wallet.grants]
    sums = {
        "posted": format_credits(wallet.balance.posted_nanos),
        "held": format_credits(wallet.balance.held_nanos),
        "available": format_credits(wallet.balance.available_nanos),
    }
    columns = ("id", "amount", "available", "held", "priority", "expires", "source", "state")
    rows = [[grant[column] for column in columns] for grant in grants]
    text = fields({"user": args.user, **sums}) + "\n\n" + table([*map(str.upper, columns)], rows, "No grants yet.")
    return Said(value={"user": args.user, **sums, "grants": grants}, text=text)


def _grant(grant: Grant, now_ms: int) -> dict[str, object]:
    return {
        "id": grant.id,
        "amount": format_credits(grant.amount_nanos),
        "available": format_credits(grant.available_nanos),
        "held": format_credits(grant.held_nanos),
        "priority": grant.priority,
        "effective": moment(grant.effective_ms),
        "expires": moment(grant.expires_ms),
        "created": moment(grant.created_ms),
        "source": grant.source,
        "state": _state(grant, now_ms),
    }


def _state(grant: Grant, now_ms: int) -> str:
    if grant.expires_ms is not None and grant.expires_ms <= now_ms:
        return "expired"
    if grant.available_nanos == 0 and grant.held_nanos == 0:
        return "spent"
    return "active" if is_effective(grant, now_ms) else "later"
