"""The imports as actions: their requests, replies and use cases."""

from decimal import Decimal
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.refusals import BadRequest
from entrypoints.usecases.manage.configuration.actions import Applied, ApplyConfiguration, apply_configuration
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.manage.imports.leftovers import LeftOut
from entrypoints.usecases.manage.imports.litellm import convert
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import read

_CONFIG = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)


class ImportLitellm(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration of LiteLLM's proxy to take over."""

    config: Annotated[msgspec.Raw, Meta(description="the configuration, as JSON")]
    variables: Annotated[dict[str, str], Meta(description="the variables that it refers to, by name")] = {}
    dry_run: Annotated[bool, Meta(description="only show what would change")] = False


class Imported(Applied, frozen=True, kw_only=True):
    """What changes, how many of these changes were made, and what of the file has no counterpart."""

    left_out: list[LeftOut]


async def import_litellm(context: ActionContext, request: ImportLitellm) -> Imported | Denial:
    """Providers, credentials, rates, aliases, limits and budgets of the file; what the hub has besides stays."""
    try:
        config = _CONFIG.decode(request.config)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return BadRequest(
            field="config", problem="it is no configuration of LiteLLM: write an object with `model_list`"
        )
    try:
        converted = convert(config, request.variables)
        now_ms = context.hub.clock.now_ms()
        document = msgspec.convert(converted.document, Document, dec_hook=partial(read, now_ms), strict=False)
    except (TypeError, ValueError, AttributeError, msgspec.ValidationError) as error:
        return BadRequest(field="config", problem=f"a value in it has not the form that LiteLLM documents: {error}")
    reply = await apply_configuration(
        context,
        ApplyConfiguration(configuration=document, secrets=converted.secrets, dry_run=request.dry_run),
    )
    if not isinstance(reply, Applied):
        return reply
    return Imported(**msgspec.structs.asdict(reply), left_out=converted.left_out)
