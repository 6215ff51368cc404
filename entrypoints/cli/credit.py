"""The views of the actions on the credit of users."""

import msgspec

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import credit, wallets
from entrypoints.usecases.public_types import written


def credit_granted(request: credit.GrantCredit, reply: credit.CreditGranted) -> Output:
    """`credit grant`."""
    until = f" until {written(reply.expires)}" if reply.expires else ""
    return Output(text=f"granted {written(reply.amount)} credits to {reply.user}{until}")


def balance(request: msgspec.Struct, reply: credit.WalletView) -> Output:
    """`credit balance`, `credit adjust` and `credit threshold`."""
    sums = msgspec.structs.asdict(reply)
    grants = sums.pop("grants")
    columns = ("id", "amount", "available", "held", "priority", "expires", "source", "state")
    rows = [[getattr(grant, column) for column in columns] for grant in grants]
    return Output(text=fields(sums) + "\n\n" + table([*map(str.upper, columns)], rows, "No grants yet."))


def transferred(request: wallets.TransferCredit, reply: wallets.CreditTransferred) -> Output:
    """`credit transfer`."""
    sender, receiver = (f"{one.user} has {written(one.available)}" for one in (reply.sender, reply.receiver))
    return Output(text=f"moved {written(request.amount)} credits; {sender} available, and {receiver}")


def grant_shown(request: msgspec.Struct, reply: wallets.OwnedGrant) -> Output:
    """`grant show` and `grant void`."""
    return Output(text=fields(msgspec.structs.asdict(reply)))


VIEWS: Views = {
    "credit grant": credit_granted,
    "credit balance": balance,
    "credit adjust": balance,
    "credit threshold": balance,
    "credit transfer": transferred,
    "grant show": grant_shown,
    "grant void": grant_shown,
}
