"""`aihub quote`: the charge that a request of one user would have.

The quote is that of a hub with billing on, whatever the settings of this environment: rates and wallets are in the
books, but whether the running hub charges is in its own environment, which cannot be read here.
"""

import sys
from argparse import Namespace
from pathlib import Path

import msgspec

from domain.accounts.identity import Caller, identify
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.cli.output import Complaint, NotDone, Output, fields, table
from entrypoints.config import Settings
from entrypoints.usecases.management_context import ManagementContext


async def quote_request(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`quote`; exit code 1 if the wallet cannot pay for the request."""
    # The code that serves calls is loaded for this command alone: no other needs a provider.
    from entrypoints.http.api.quotes import quote_body, read_quoted
    from entrypoints.http.errors import error_of
    from entrypoints.http.routes import QUOTED
    from entrypoints.usecases.call.ask import Ask
    from entrypoints.usecases.call.quote import Quote, quote
    from entrypoints.wiring import hub

    if args.route is not None and args.route not in QUOTED:
        raise Complaint(f"--route: nothing is quoted for {args.route!r}; write one of {', '.join(sorted(QUOTED))}")
    read = read_quoted(QUOTED, _content(args.file), args.route)
    if isinstance(read, BadRequest) and read.field == "route":
        raise Complaint(
            f"{args.file} has no recognisable form; name it by --route with one of {', '.join(sorted(QUOTED))}"
        )
    if isinstance(read, BadRequest):
        raise NotDone(read)
    dialect, call = read
    fingerprint = await _fingerprint(context, args.user)
    async with hub(msgspec.structs.replace(settings, billed=True)) as whole:
        ask = Ask(call_id="quote", fingerprint=fingerprint, call=call, to_request=dialect.to_request)
        made = await quote(whole, ask)
        if not isinstance(made, Quote):
            raise Complaint(error_of(made).message)
        value = quote_body(whole, made)
    value["billing"] = settings.billed
    columns = ("provider", "model", "charge_max", "charge_expected", "rate_id")
    rows = [[offer[name] for name in columns] for offer in value["offers"]]
    shown = {
        "at most": f"{value['charge_max']} credits",
        "expected": f"{value['charge_expected']} credits",
        "affordable": "yes" if made.affordable else f"no, {value['shortfall']} credits short",
    }
    if made.output_cap is not None:
        shown["output cap"] = f"{made.output_cap} tokens, which is what the wallet affords"
    text = fields(shown) + "\n\n" + table(("PROVIDER", "MODEL", "AT MOST", "EXPECTED", "RATE"), rows, "")
    note = "" if settings.billed else "billing is off in this environment: a hub that runs with it charges nothing"
    return Output(value=value, text=text, note=note, code=0 if made.affordable else 1)


def _content(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Complaint(f"{path} cannot be read: {error.strerror or error}") from None


async def _fingerprint(context: ManagementContext, name: str) -> str:
    """An active key of the user, from the books."""
    user = await context.storage.user_named(name)
    if user is None:
        raise NotDone(NotFound(kind="user", name=name, remedy=Remedy("user list")))
    keys = [
        key
        for key in await context.storage.keys()
        if key.user_id == user.id and isinstance(identify(key, user), Caller)
    ]
    if not keys:
        raise Complaint(f"{name} has no key; make one with `aihub key create --user {name}`")
    return keys[0].fingerprint
