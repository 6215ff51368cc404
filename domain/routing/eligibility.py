"""Who may serve a call, of all that its model name leads to.

    enabled    the provider is in the catalogue             `tree.route_of` leads to no other
    priced     the model has a rate, where calls are billed     likewise
    quoted     the rate is one that the call's quote names, if it names a quote
    able       the model accepts what the call contains: tools, images, audio, documents
    dialect    the provider has a dialect for the operation, with fields for every parameter that must not be dropped
    fitting    the call fits into the model's context, if it fits into any

What is not known of a model is allowed, and the provider decides. What an operator states about a model is believed.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from domain.catalog.catalog import Catalog, Served, versions_of
from domain.catalog.vendors import dialect_for, further_dialects, passes_through
from domain.dialects.unsupported_params import Policy, units_hosted
from domain.model_api.call import CAPABILITIES, Capability, ModelCall
from domain.model_api.requests import ModelRequest
from domain.model_api.token_estimate import BYTES_PER_TOKEN
from domain.pricing.rate import Rate
from domain.refusals import BadRequest, Refusal, UnsupportedCapability, UnsupportedParameter
from domain.routing.tree import Route, RouteNode, kept

_TOOL_FIELDS = ("tools", "functions")
_NOTHING = (b"", b"null", b"[]")

# For a provider's dialect and a request: the parameters that are dropped, or the one that must not be. Pure.
Unsupported: TypeAlias = Callable[[str, ModelRequest], UnsupportedParameter | tuple[str, ...]]


class RequestedCall(Protocol):
    """A call that looks for a provider.

    `rate_ids` are those of the quote that it names. `unsupported` is the policy for unsupported parameters. `request`
    is the call in the hub's own form, None until `translate` has made it.
    """

    call: ModelCall
    rate_ids: tuple[str, ...]
    unsupported: Policy
    request: ModelRequest | None

    def translate(self) -> ModelRequest | BadRequest:
        """The call in the hub's own form, or why it cannot be read."""
        ...


def eligible(route: Route, wanted: RequestedCall, catalog: Catalog, unsupported: Unsupported) -> Route | Refusal:
    """The route to the models that may serve the call; the first reason against, if none may.

    Each `Served` that is left has the dialect that the call is made in, and the parameters that it is made without.
    """
    node = route.root
    if wanted.rate_ids:
        quoted = kept(node, lambda offer: at_quoted_rate(catalog, offer, wanted.rate_ids))
        if quoted is None:
            problem = "What was quoted is not sold any more: ask for a new quote with POST /v1/quote."
            return BadRequest(field="x-aihub-quote", problem=problem)
        node = quoted
    reasons: list[Refusal] = []

    def able(offer: Served) -> Served | None:
        found = _in_best_dialect(wanted, offer, unsupported)
        if isinstance(found, Served):
            return found
        reasons.append(found)
        return None

    left = kept(node, able)
    if left is None:
        return reasons[0]
    left = with_room(left, wanted.call)
    return route if left is route.root else msgspec.structs.replace(route, root=left)


def at_quoted_rate(catalog: Catalog, offer: Served, rate_ids: Sequence[str]) -> Served | None:
    """The offer at the rate that was quoted; None if it was not quoted, or has been taken from sale."""
    versions = versions_of(catalog, offer.provider.name, offer.model)
    rate = next((rate for rate in versions if rate.id in rate_ids and not rate.removed), None)
    return None if rate is None else msgspec.structs.replace(offer, rate=rate)


def lacking(call: ModelCall, rate: Rate | None) -> tuple[Capability, ...]:
    """The capabilities that the call needs and the model lacks, according to its rate; none if they are not known."""
    if rate is None or rate.capabilities is None:
        return ()
    needed = _needed(call)
    return tuple(what for what in CAPABILITIES if what in needed and what not in rate.capabilities)


def fits(call: ModelCall, rate: Rate | None) -> bool:
    """Whether the call seems to fit into the model's context and its longest answer.

    It is an estimate, at four bytes a token, since only the provider counts tokens: so it chooses among several models
    and refuses nothing. The size of encoded parts (images, audio, files) is no measure of their tokens.
    """
    if rate is None or not call.kind.text:
        return True
    cap = call.output_tokens_max or 0
    if rate.output_tokens_max is not None and cap > rate.output_tokens_max:
        return False
    if rate.context_tokens is None:
        return True
    encoded = call.images or call.opaque_input or not {"audio", "documents"}.isdisjoint(call.needs)
    return cap + (0 if encoded else call.body_bytes // BYTES_PER_TOKEN) <= rate.context_tokens


def with_room(node: RouteNode, call: ModelCall) -> RouteNode:
    """The route node without models that the call seems too large for; unchanged if it seems too large for all."""
    if isinstance(node, Served):
        return node
    return kept(node, lambda offer: offer if fits(call, offer.rate) else None) or node


def _needed(call: ModelCall) -> frozenset[str]:
    tools = any(bytes(call.fields[name]) not in _NOTHING for name in _TOOL_FIELDS if name in call.fields)
    return frozenset((*call.needs, *(("tools",) if tools else ()), *(("images",) if call.images else ())))


def _in_best_dialect(wanted: RequestedCall, offer: Served, unsupported: Unsupported) -> Served | Refusal:
    """The offer in the dialect that drops the fewest parameters of the call, or why it cannot serve the call."""
    at = offer.provider
    dialect = dialect_for(at.name, at.base_url, at.dialect, wanted.call, offer.model)
    dropped = _dropped(wanted, offer, dialect, unsupported)
    if dropped != ():
        for other in further_dialects(at.name, at.base_url, wanted.call):
            found = _dropped(wanted, offer, other, unsupported)
            if isinstance(found, tuple) and (not isinstance(dropped, tuple) or len(found) < len(dropped)):
                dialect, dropped = other, found
    if not isinstance(dropped, tuple):
        return dropped
    if dialect == at.dialect and not dropped:
        return offer
    hosted = wanted.request is None or units_hosted(wanted.call.hosted_tools, wanted.request, dropped)
    return msgspec.structs.replace(offer, dialect=dialect, dropped=dropped, hosted=hosted)


def _dropped(
    wanted: RequestedCall, offer: Served, dialect: str | None, unsupported: Unsupported
) -> Refusal | tuple[str, ...]:
    """The parameters that the call is made without in that dialect, or why it cannot be made in it.

    The caller's own dialect has fields for all of them.
    """
    call = wanted.call
    lacks = lacking(call, offer.rate)
    if lacks:
        return UnsupportedCapability(model=call.model, lacks=lacks)
    if dialect is None:
        return UnsupportedParameter(field=call.operation, dialect=offer.provider.dialect, model=call.model)
    if passes_through(call, dialect):
        return ()
    request = wanted.translate()
    if isinstance(request, BadRequest):
        return request
    # What a model accepts may depend on the model itself, not on the caller's name for it.
    found = unsupported(dialect, msgspec.structs.replace(request, model=offer.model))
    if isinstance(found, UnsupportedParameter):
        return msgspec.structs.replace(found, model=call.model)
    if found and wanted.unsupported == "refuse":
        return UnsupportedParameter(field=found[0], dialect=dialect, model=call.model)
    return found
