"""Fields of a request that are not one argument each: a secret is read from standard input, prices from a file.

Only the command line does so. Another entrypoint gets the field as it is.
"""

import argparse
import os
import re
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from entrypoints.cli.arguments import public
from entrypoints.cli.output import Complaint
from entrypoints.usecases.manage import providers
from entrypoints.usecases.manage.price_file import PriceFileError, read_price_list
from entrypoints.usecases.manage.unit_amounts import RateVariant
from entrypoints.usecases.management_context import ManagementContext
from entrypoints.usecases.public_types import CreditsEach

_CATALOGUE = "genai-prices"
_NOT_AN_ARGUMENT = "A secret is no argument: pipe it in, or name the variable that holds it with --from-env"


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Further arguments of a command, and how the fields that they stand for are read; Complaint if they cannot be.

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


def _new_secret_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from-env", metavar="VAR", help="read a new secret from this environment variable")


async def _new_secret(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """A new secret, only if a variable is named."""
    return {} if args.from_env is None else {"secret": read_secret(args.from_env, args.id)}


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


def _variant_arguments(command: argparse.ArgumentParser) -> None:
    for name, piece, example in (
        ("--image-at", "image", "1024x1536/high=0.25"),
        ("--video-second-at", "second of video", "1080p=0.5"),
    ):
        command.add_argument(
            name,
            type=_priced_at,
            action="append",
            default=[],
            metavar="SIZE[/QUALITY]=X",
            help=f"one {piece} of a size, a quality or both, such as {example}; may be repeated",
        )


def _priced_at(text: str) -> tuple[str | None, str | None, int]:
    """A size, a quality or both, with a price: `1024x1536/high=0.25`, `1024x1536=0.1` or `/high=0.2`."""
    kind, sign, amount = text.rpartition("=")
    size, _, quality = kind.partition("/")
    if not sign or not (size or quality):
        raise argparse.ArgumentTypeError(
            f"invalid value {text!r}: expected SIZE[/QUALITY]=X, such as 1024x1536/high=0.25"
        )
    return size or None, quality or None, public(CreditsEach)(amount)(0)


async def _variants(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """The values of --image-at and --video-second-at."""
    given = (("image", args.image_at), ("video_second", args.video_second_at))
    variants = [
        RateVariant(size=size, quality=quality, **{unit: amount})
        for unit, priced in given
        for size, quality, amount in priced
    ]
    return {"variants": tuple(variants)}


def _list_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        default=_CATALOGUE,
        help="a price list as JSON, or genai-prices, the public catalogue as it is installed here (genai-prices)",
    )


async def _price_list(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """A price list from a file; none for the public catalogue."""
    if args.file == _CATALOGUE:
        return {}
    try:
        return {"prices": read_price_list(_content(args.file)), "source": f"file {Path(args.file).name}"}
    except PriceFileError as error:
        raise Complaint(f"{args.file}: {error}") from None


def _body_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="the request's JSON body; - for standard input")


async def _body(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """The body of a request, from a file or from standard input."""
    content = sys.stdin.buffer.read() if args.file == "-" else _content(args.file)
    return {"body": msgspec.Raw(content)}


def _configuration_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="the configuration: .yaml, .toml or .json; - for standard input")


async def _configuration(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """A configuration from a file, with the secrets that it refers to, as far as they are here."""
    from entrypoints.cli import configuration_file as files

    file = files.read_file(args.file)
    args.places = files.Places(file)
    document = files.document_of(file, context.clock.now_ms())
    return {"configuration": document, "secrets": files.secrets_of(files.references_in(document))}


def _litellm_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="the proxy's config.yaml; - for standard input")


async def _litellm(context: ManagementContext, args: Namespace) -> dict[str, Any]:
    """A configuration of LiteLLM, with the variables that it refers to, as far as they are set here."""
    from entrypoints.cli.configuration_file import read_file

    content = msgspec.json.encode(read_file(args.file).value)
    named = set(re.findall(r'"os\.environ/([^"]+)"', content.decode()))
    return {"config": msgspec.Raw(content), "variables": {n: os.environ[n] for n in sorted(named & os.environ.keys())}}


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Complaint(f"{path} cannot be read: {error.strerror or error}") from None


INPUTS: Mapping[str, Input] = {
    "credential add": Input(names={"secret": "the secret"}, add_arguments=_secret_arguments, read=_secret),
    "credential change": Input(names={"secret": "--from-env"}, add_arguments=_new_secret_arguments, read=_new_secret),
    "credential test": Input(names={"secret": "the secret"}, add_arguments=_secret_arguments, read=_secret),
    "rate set": Input(
        names={"variants": "--image-at, --video-second-at"}, add_arguments=_variant_arguments, read=_variants
    ),
    "price diff": Input(names={"prices": "--from"}, add_arguments=_list_arguments, read=_price_list),
    "price sync": Input(names={"prices": "--from"}, add_arguments=_list_arguments, read=_price_list),
    "apply": Input(
        names={"configuration": "FILE", "secrets": "FILE"},
        add_arguments=_configuration_arguments,
        read=_configuration,
    ),
    "import litellm": Input(
        names={"config": "FILE", "variables": "FILE"}, add_arguments=_litellm_arguments, read=_litellm
    ),
    "quote": Input(names={"body": "FILE"}, add_arguments=_body_arguments, read=_body),
}
