"""Fields of a request that no argument writes: a secret is read from standard input, prices from a file.

Only the command line does so. Another entrypoint gets the field as it is.
"""

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from entrypoints.cli.output import Complaint
from entrypoints.usecases.manage import providers
from entrypoints.usecases.management_context import ManagementContext

_NOT_AN_ARGUMENT = "A secret is no argument: pipe it in, or name the variable that holds it with --from-env"


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Further arguments of a command, and how the fields that they stand for are read.

    `names` are the names of these fields in an error.
    """

    names: Mapping[str, str]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    read: Callable[[ManagementContext, Namespace], Awaitable[dict[str, Any]]]


def _secret_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from-env", metavar="VAR", help="read the secret from this environment variable instead")


async def _secret(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """The secret comes from standard input or a variable, never from the command line."""
    if all(row.name != args.provider for row in await providers.providers(context.storage)):
        # Checked before the secret is read. The name is not repeated, since it may be the secret in the wrong place.
        raise Complaint("there is no provider of that name; see `aihub provider list`. " + _NOT_AN_ARGUMENT)
    return {"secret": read_secret(args.from_env, args.provider)}


def read_secret(variable: str | None, provider: str) -> str:
    """The secret, from that variable, a prompt, or standard input; Complaint if there is none."""
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


INPUTS: Mapping[str, Input] = {
    "credential add": Input(names={"secret": "the secret"}, add_arguments=_secret_arguments, read=_secret),
}
