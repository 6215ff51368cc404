"""The views of the actions on users and their keys."""

import msgspec

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import keys, users
from entrypoints.usecases.manage.key_terms import KeyView
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written


def user_added(request: users.AddUser, reply: users.UserAdded) -> Output:
    """`user add`."""
    start = f" with {written(reply.granted)} credits to start" if reply.granted else ""
    return Output(text=f"added user {reply.name} ({reply.role}){start}")


def user_list(request: NoFields, reply: list[users.UserView]) -> Output:
    """`user list`."""
    rows = [
        (user.name, user.role, "" if user.enabled else "disabled", user.email, user.created, user.id) for user in reply
    ]
    return Output(text=table(("NAME", "ROLE", "STATE", "EMAIL", "CREATED", "ID"), rows, "There are no users yet."))


def user_shown(request: msgspec.Struct, reply: users.UserView) -> Output:
    """`user show`, and every change of a user."""
    return Output(text=fields(msgspec.structs.asdict(reply)))


def key_created(request: keys.CreateKey, reply: keys.KeyCreated) -> Output:
    """`key create`: the key alone on standard output, so that a script can take it."""
    return Output(text=reply.key, note=f"This is {reply.id} for {reply.user}. It is not shown again.")


def key_list(request: NoFields, reply: list[KeyView]) -> Output:
    """`key list`."""
    rows = [
        (key.id, key.user, key.name, f"{key.prefix}…", key.state, key.purpose, key.created, key.expires)
        for key in reply
    ]
    heads = ("ID", "USER", "NAME", "KEY", "STATE", "PURPOSE", "CREATED", "EXPIRES")
    return Output(text=table(heads, rows, "There are no keys yet; make one with `aihub key create`."))


def key_shown(request: msgspec.Struct, reply: KeyView) -> Output:
    """`key show`, and every change of a key."""
    lists = {"models": ", ".join(reply.models) or "all", "operations": ", ".join(reply.operations) or "all"}
    return Output(text=fields(msgspec.structs.asdict(reply) | lists))


def key_rotated(request: keys.RotateKey, reply: keys.KeyCreated) -> Output:
    """`key rotate`: the new key alone on standard output."""
    note = f"This is {reply.id}. It is not shown again. {request.id} expires soon: see `aihub key show {request.id}`."
    return Output(text=reply.key, note=note)


def key_revoked(request: keys.NamedKey, reply: keys.KeyRevoked) -> Output:
    """`key revoke`."""
    return Output(text=f"revoked {reply.id}")


VIEWS: Views = {
    "user add": user_added,
    "user list": user_list,
    "user show": user_shown,
    "user change": user_shown,
    "user disable": user_shown,
    "user enable": user_shown,
    "key create": key_created,
    "key show": key_shown,
    "key change": key_shown,
    "key disable": key_shown,
    "key enable": key_shown,
    "key rotate": key_rotated,
    "key list": key_list,
    "key revoke": key_revoked,
}
