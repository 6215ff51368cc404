"""The commands about providers and their credentials."""

import os
import sys
from argparse import Namespace

from domain.catalog.rows import Credential, ProviderRow
from domain.catalog.vendors import VENDORS
from domain.management.changes import Unchanged
from entrypoints.cli.output import Complaint, Said, made, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.manage import providers
from entrypoints.usecases.manage.rates_from_prices import sell_by_rule
from entrypoints.usecases.management_context import ManagementContext

_NOT_AN_ARGUMENT = "A secret is no argument: pipe it in, or name the variable that holds it with --from-env"


async def add_provider(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`provider add`; adding one again with another URL moves it."""
    known = {row.name for row in await providers.providers(desk.storage)}
    outcome = made(
        await providers.create_provider(
            desk, args.actor, args.name, args.dialect, args.base_url, args.priority, args.weight
        )
    )
    row = outcome.row
    if not isinstance(row, ProviderRow):
        raise Complaint("nothing was added")
    await sell_by_rule(desk, settings.terms, row.name)
    done = f"{'changed' if row.name in known else 'added'} provider {row.name}"
    if isinstance(outcome, Unchanged):
        done = f"provider {row.name} is there already"
    hint = await _secret_hint(desk, row.name)
    return Said(value=_provider(row), text=f"{done}: {row.dialect} at {row.base_url}{hint}")


async def _secret_hint(desk: ManagementContext, name: str) -> str:
    """How to give the provider a secret, if it needs one and has none."""
    vendor = VENDORS.get(name)
    has = any(row.provider == name for row in await providers.credentials(desk.storage))
    return (
        f"; give it a secret with `aihub credential add {name}`"
        if vendor and vendor.needs_credential and not has
        else ""
    )


async def list_providers(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`provider list`."""
    found = await providers.providers(desk.storage)
    rows = [(row.name, row.dialect, row.base_url, row.priority, row.weight, moment(row.created_ms)) for row in found]
    heads = ("NAME", "DIALECT", "BASE URL", "PRIORITY", "WEIGHT", "ADDED")
    text = table(heads, rows, "There are no providers; see `aihub provider add -h`.")
    return Said(value=[*map(_provider, found)], text=text)


async def remove_provider(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`provider remove`."""
    made(await providers.delete_provider(desk, args.actor, args.name))
    return Said(value={"name": args.name, "removed": True}, text=f"removed provider {args.name} with its credentials")


async def add_credential(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credential add`: the secret comes from standard input or a variable, never from the command line."""
    if all(row.name != args.provider for row in await providers.providers(desk.storage)):
        # Before anybody looks for the secret; and the name is not repeated, for it may be the secret, in a wrong place.
        raise Complaint("there is no provider of that name; see `aihub provider list`. " + _NOT_AN_ARGUMENT)
    secret = read_secret(args.from_env, args.provider)
    outcome = made(await providers.create_credential(desk, args.actor, args.provider, secret, args.name, args.weight))
    if not isinstance(outcome.row, Credential):
        raise Complaint("nothing was added")
    text = f"added credential {outcome.row.id} ({outcome.row.masked}) for {args.provider}"
    return Said(value=_credential(outcome.row), text=text)


async def list_credentials(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credential list`."""
    found = await providers.credentials(desk.storage)
    rows = [
        (row.id, row.provider, row.name, row.masked, row.weight, "active" if row.active else "inactive", row.error)
        for row in found
    ]
    heads = ("ID", "PROVIDER", "NAME", "SECRET", "WEIGHT", "STATE", "ERROR")
    nothing = "There are no credentials yet; see `aihub credential add -h`."
    note = (
        "" if all(row.active for row in found) else "`aihub credential activate ID` lets an inactive one be used again"
    )
    return Said(value=[*map(_credential, found)], text=table(heads, rows, nothing), note=note)


async def activate_credential(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credential activate`; one that is active is no error."""
    made(await providers.reactivate(desk, args.actor, args.id))
    return Said(value={"id": args.id, "active": True}, text=f"credential {args.id} is used again")


async def remove_credential(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`credential remove`."""
    made(await providers.delete_credential(desk, args.actor, args.id))
    return Said(value={"id": args.id, "removed": True}, text=f"removed credential {args.id}")


def read_secret(variable: str | None, provider: str) -> str:
    """The secret, from that variable, from a prompt, or from what is piped in; Complaint if there is none."""
    if variable is not None:
        secret = os.environ.get(variable, "").strip()
        if not secret:
            raise Complaint("--from-env: there is no variable of that name, or it is empty. " + _NOT_AN_ARGUMENT)
        if "," in secret:
            raise Complaint(
                "--from-env: the variable holds several secrets; add them one by one"
                " (those of vendors register themselves when the hub starts)"
            )
        return secret
    if sys.stdin.isatty():
        from getpass import getpass

        secret = getpass(f"secret for {provider}: ").strip()
    else:
        secret = sys.stdin.read(providers.SECRET_CHARACTERS_MAX + 2).strip()
    if not secret:
        raise Complaint("there is no secret on standard input; pipe it in, or use --from-env VAR")
    return secret


def _provider(row: ProviderRow) -> dict[str, object]:
    return {
        "name": row.name,
        "dialect": row.dialect,
        "base_url": row.base_url,
        "priority": row.priority,
        "weight": row.weight,
        "created": moment(row.created_ms),
    }


def _credential(row: Credential) -> dict[str, object]:
    return {
        "id": row.id,
        "provider": row.provider,
        "name": row.name,
        "secret": row.masked,
        "weight": row.weight,
        "active": row.active,
        "error": row.error,
        "created": moment(row.created_ms),
    }
