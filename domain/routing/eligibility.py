"""Whether a model is able to do what a call asks: what it takes, and whether the call's size fits.

What is not known is allowed, and the provider judges. What an operator has said of a model is believed.
"""

from domain.catalog.catalog import Served
from domain.model_api.call import CAPABILITIES, Capability, ModelCall
from domain.model_api.token_estimate import BYTES_PER_TOKEN
from domain.pricing.rate import Rate
from domain.routing.tree import RouteNode, kept

_TOOL_FIELDS = ("tools", "functions")
_NOTHING = (b"", b"null", b"[]")


def lacking(call: ModelCall, rate: Rate | None) -> tuple[Capability, ...]:
    """What the call needs and the model, as its rate says, is not able to; nothing where that is not known."""
    if rate is None or rate.capabilities is None:
        return ()
    needed = _needed(call)
    return tuple(what for what in CAPABILITIES if what in needed and what not in rate.capabilities)


def fits(call: ModelCall, rate: Rate | None) -> bool:
    """Whether the call seems to fit into the model's context and its longest answer.

    A guess, at four bytes a token, since only the provider counts tokens: so it chooses among several models and
    refuses nobody. Of what comes encoded (images, sound, files) the bytes say nothing.
    """
    if rate is None or call.operation not in ("chat", "completions"):
        return True
    asked = call.output_tokens_max or 0
    if rate.output_tokens_max is not None and asked > rate.output_tokens_max:
        return False
    if rate.context_tokens is None:
        return True
    encoded = call.images or call.opaque_input or not {"audio", "documents"}.isdisjoint(call.needs)
    return asked + (0 if encoded else call.body_bytes // BYTES_PER_TOKEN) <= rate.context_tokens


def with_room(way: RouteNode, call: ModelCall) -> RouteNode:
    """The way without those whom the call seems too large for; as it is where it seems too large for all."""
    if isinstance(way, Served):
        return way
    return kept(way, lambda offer: offer if fits(call, offer.rate) else None) or way


def _needed(call: ModelCall) -> frozenset[str]:
    tools = any(bytes(call.fields[name]) not in _NOTHING for name in _TOOL_FIELDS if name in call.fields)
    return frozenset((*call.needs, *(("tools",) if tools else ()), *(("images",) if call.images else ())))
