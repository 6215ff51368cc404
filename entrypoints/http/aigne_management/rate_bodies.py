"""The bodies of AIGNE's requests about rates."""

from typing import Any

import msgspec

from domain.model_api.call import Capability
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import wrong
from entrypoints.http.aigne_management.values import CHAT, EMBEDDING, IMAGE, VIDEO, nanos_of, text_of

_FEATURES: dict[str, tuple[Capability, ...]] = {"tools": ("tools",), "vision": ("images",), "thinking": ()}
_RATES = (("inputRate", "input_nanos"), ("outputRate", "out"))
_CACHE = (("readRate", "cache_read_nanos"), ("writeRate", "cache_write_nanos"))


class RateBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request states of a rate: nanocredits for a million units by price, `out` that of the type's output.

    `costs` are nano-USD for a million units in and out.
    """

    model: str
    kind: str
    prices: dict[str, int | None]
    costs: tuple[int, int] | None
    display_name: str | None
    context: int | None
    capabilities: tuple[Capability, ...] | None


def read_rate(body: dict[str, Any] | BadRequest, is_new: bool) -> RateBody | BadRequest:
    """A rate's body; a new one names its model, its type and both rates. Unknown fields are ignored, as there."""
    if isinstance(body, BadRequest):
        return body
    model, kind = body.get("model", ""), body.get("type", CHAT)
    if is_new and (not isinstance(model, str) or not 0 < len(model) <= 100):
        return wrong("model", "Write the name of the model, 100 characters at most.")
    if kind not in (CHAT, IMAGE, EMBEDDING, VIDEO):
        return wrong("type", f"Write one of {CHAT}, {IMAGE}, {EMBEDDING}, {VIDEO}.")
    if is_new and (missing := next((name for name, _ in _RATES if body.get(name) is None), None)):
        return wrong(missing, "The field is missing.")
    caching = body.get("caching") or {}
    costs = body.get("unitCosts") or {}
    metadata = body.get("modelMetadata") or {}
    for name, value in (("caching", caching), ("unitCosts", costs), ("modelMetadata", metadata)):
        if not isinstance(value, dict):
            return wrong(name, "Write an object.")
    prices: dict[str, int | None] = {}
    for source, prefix, names in ((body, "", _RATES), (caching, "caching.", _CACHE)):
        for given, price in names:
            if source.get(given) is not None:
                nanos = nanos_of(prefix + given, source[given])
                if isinstance(nanos, BadRequest):
                    return nanos
                prices[price] = nanos
    requested: list[Any] = [nanos_of(f"unitCosts.{name}", costs.get(name, 0)) for name in ("input", "output")]
    if (problem := next((one for one in requested if isinstance(one, BadRequest)), None)) is not None:
        return problem
    display = text_of(body, "modelDisplay", 100)
    if isinstance(display, BadRequest):
        return display
    context = metadata.get("maxTokens")
    if context is not None and (isinstance(context, bool) or not isinstance(context, int) or context < 1):
        return wrong("modelMetadata.maxTokens", "Write a whole number from 1 on.")
    features = metadata.get("features")
    if features is not None and not (isinstance(features, list) and all(one in _FEATURES for one in features)):
        return wrong("modelMetadata.features", f"Write some of {', '.join(_FEATURES)}.")
    return RateBody(
        model=model,
        kind=kind,
        prices=prices,
        costs=(requested[0], requested[1]) if costs else None,
        display_name=display,
        context=context,
        capabilities=None if features is None else tuple(need for one in features for need in _FEATURES[one]),
    )
