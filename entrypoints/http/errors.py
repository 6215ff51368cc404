"""Every refusal in words: a status, the field's common kind, and a sentence that says what to do.

The match is exhaustive: a refusal without words does not pass the type check.
"""

from typing import assert_never

import msgspec

from domain.money import format_credits
from domain.refusals import (
    AlreadyExists,
    BadHttp,
    BadRequest,
    EncodedBody,
    HubFull,
    IdempotencyConflict,
    IdempotencyUnavailable,
    InsufficientCredit,
    InvalidKey,
    MissingKey,
    NoCredential,
    NotAllowed,
    NotFound,
    NotOffered,
    NoUpgrade,
    ProviderFailed,
    Refusal,
    StorageUnavailable,
    TooLarge,
    Unbounded,
    UnknownModel,
    UnknownPath,
    UnpricedFeature,
    UnpricedModel,
    UnsupportedCapability,
    UnsupportedParameter,
    UsageUnavailable,
    WrongMethod,
)
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.http.provider_errors import failure_error

_BAD_HTTP = {
    "slow": (408, "The request did not come in time. Send it again, all of it at once."),
    "head_too_large": (431, "The request's path and headers are too large together. Send less."),
    "version": (505, "This version of HTTP is not served. Send HTTP/1.1."),
}

SHOWN_CHARACTERS_MAX = 200
# What a call has no bound for, and what each side can do about it.
_UNBOUNDED = {
    "context": "what it adds is not in the request, and the context of `{model}` is not known. Send it inline, "
    "or let the operator set `aihub rate set … --context N`.",
    "uses": "the uses of the tool are not bounded. Send max_tool_calls (Responses) or the tool's max_uses (Messages).",
    "output": "how much `{model}` writes is not known. Let the operator set `aihub rate set … --max-output N`.",
    "amount": "it could come to more than the books can hold. Send a lower number.",
}
# The options of `aihub rate set` that price an operation. A hosted tool's is --tool-use.
_PRICED_BY = {
    "images": "--image or --output-image",
    "video": "--video-second",
    "speech": "--character or --output-audio",
    "transcription": "--second or --input-audio",
    "rerank": "--search-unit or --input",
    "chat": "--input and --output",
    "completions": "--input and --output",
    "embeddings": "--input and --output",
    "moderation": "--input and --output",
}


def error_of(refusal: Refusal) -> ErrorBody:
    """The refusal as an error without a dialect."""
    match refusal:
        case MissingKey():
            return _error(
                refusal,
                401,
                "authentication",
                "No API key was sent. Send it as `Authorization: Bearer KEY` (or `x-api-key: KEY`); "
                "the operator makes one with `aihub key create`.",
            )
        case InvalidKey():
            why = "was revoked" if refusal.revoked else "is not known here"
            return _error(refusal, 401, "authentication", f"The API key {why}. Ask the operator for a new one.")
        case NotAllowed():
            return _error(refusal, 403, "permission", f"A {refusal.role} may not {refusal.action}.")
        case BadRequest():
            return _error(refusal, 400, "invalid_request", _at_field(refusal), param=refusal.field)
        case TooLarge():
            return _error(
                refusal,
                413,
                "too_large",
                f"The request body is over {refusal.bytes_max} bytes. Send less, or let the operator raise "
                "AIHUB_BODY_BYTES_MAX.",
            )
        case EncodedBody():
            return _error(
                refusal,
                415,
                "invalid_request",
                f"The request body is encoded: `Content-Encoding: {_shown(refusal.coding)}`. Send it as it is, without "
                "that header; the hub decodes no bodies.",
                param="Content-Encoding",
            )
        case BadHttp():
            status, message = _BAD_HTTP[refusal.problem]
            return _error(refusal, status, "invalid_request", message)
        case HubFull():
            return _error(refusal, 503, "overloaded", "The hub has all the requests it can hold. Try again shortly.")
        case UnknownPath():
            return _error(
                refusal,
                404,
                "not_found",
                f"Nothing is served at {_shown(refusal.path)}. See GET / for what is; SDKs want the base URL to end "
                "in /v1 (OpenAI) or without it (Anthropic).",
            )
        case NotOffered():
            message = f"This hub does not offer {refusal.surface}. {refusal.instead}"
            return _error(refusal, 404, "not_found", message)
        case NoUpgrade():
            message = "This hub speaks no WebSocket. Send the request with POST over HTTP; it can be streamed."
            return _error(refusal, 426, "invalid_request", message)
        case WrongMethod():
            allowed = ", ".join(method for method in refusal.allowed if method != "OPTIONS")
            message = f"{refusal.method} is not served here; use {allowed}."
            return _error(refusal, 405, "invalid_request", message)
        case UnknownModel():
            return _no_model(refusal, "is not served by any provider of this hub")
        case UnpricedModel():
            return _no_model(refusal, "is not sold here")
        case UnpricedFeature():
            return _error(
                refusal,
                400,
                "invalid_request",
                f"The rate of `{refusal.model}` has no price for `{_shown(refusal.feature)}`, so it is not sold. Leave "
                "it out or call another model, or let the operator set its price: `aihub rate set` with "
                f"{_PRICED_BY.get(refusal.feature, '--tool-use')}.",
                param=_shown(refusal.feature),
            )
        case UnsupportedCapability():
            lacks = " and ".join(refusal.lacks)
            return _error(
                refusal,
                400,
                "invalid_request",
                f"`{_shown(refusal.model)}` takes no {lacks}. Leave that out, or call a model that does: "
                "GET /v1/models tells what each is able to.",
                param="tools" if refusal.lacks[0] == "tools" else "messages",
            )
        case Unbounded():
            return _error(
                refusal,
                400,
                "invalid_request",
                f"With `{_shown(refusal.field)}` the charge of this call has no upper bound: "
                f"{_UNBOUNDED[refusal.cause].format(model=_shown(refusal.model))}",
                param=refusal.field,
            )
        case UsageUnavailable():
            return _error(
                refusal,
                400,
                "invalid_request",
                f"With `{refusal.field}` the provider answers before it has counted, so the call could not be charged. "
                "Leave it out; a long answer can be streamed.",
                param=refusal.field,
            )
        case UnsupportedParameter():
            return _error(
                refusal,
                400,
                "invalid_request",
                f"`{_shown(refusal.field)}` cannot be said in the {refusal.dialect} dialect that serves "
                f"`{refusal.model}`. {_remedy(refusal.field)}",
                param=_shown(refusal.field),
            )
        case InsufficientCredit():
            return _insufficient(refusal)
        case NoCredential():
            names = ", ".join(refusal.providers)
            message = (
                f"No active credential is left for `{refusal.model}` at {names}. The operator adds one with "
                f"`aihub credential add {refusal.providers[0]}`, or brings one back with `aihub credential activate`."
            )
            return _error(refusal, 503, "overloaded", message, param="model")
        case ProviderFailed():
            return failure_error(refusal.failure, refusal.provider)
        case IdempotencyConflict():
            return _error(
                refusal,
                409,
                "conflict",
                "This Idempotency-Key was used before with another request. Use a new key for a new request.",
                param="Idempotency-Key",
            )
        case IdempotencyUnavailable():
            return _error(
                refusal,
                409,
                "conflict",
                f"The call {refusal.call_id} with this Idempotency-Key was charged, but its answer cannot be given "
                f"again: {refusal.reason}. Use a new key to make a new call.",
                param="Idempotency-Key",
                facts={"call_id": refusal.call_id},
            )
        case StorageUnavailable():
            return _error(
                refusal,
                503,
                "overloaded",
                f"The hub cannot write its books just now ({refusal.reason}). Nothing was charged; try again shortly.",
            )
        case NotFound():
            message = f"There is no {refusal.kind} `{refusal.name}`. {_NOT_FOUND.get(refusal.kind, '')}".strip()
            return _error(refusal, 404, "not_found", message)
        case AlreadyExists():
            return _error(refusal, 409, "conflict", f"The {refusal.kind} `{refusal.name}` exists already.")
        case _:
            assert_never(refusal)


# What helps where something of a kind is not found.
_NOT_FOUND = {"response": "The hub keeps no answers: send what was said before in `input`."}


def _remedy(field: str) -> str:
    """What to do about a field that a provider's dialect has no place for."""
    if field.endswith("item_reference") or field == "previous_response_id":
        return (
            "The hub keeps no answers: send the items themselves, and `store: false` so that your client does so "
            "(in the AI SDK, `providerOptions.openai.store: false`)."
        )
    return "Leave it out, or call a model of your own dialect."


def retry_after_s(refusal: Refusal) -> int | None:
    """Whole seconds for Retry-After, rounded up, where waiting helps."""
    match refusal:
        case ProviderFailed() if refusal.failure.retry_after_ms is not None:
            return -(-refusal.failure.retry_after_ms // 1000)
        case StorageUnavailable() | HubFull():
            return 1
        case _:
            return None


def _no_model(refusal: UnknownModel | UnpricedModel, why: str) -> ErrorBody:
    """A missing model: SDKs know it by 404, clients by the code. `aihub route explain` tells the operator why."""
    hint = f" Known here: {', '.join(refusal.similar)}." if refusal.similar else ""
    message = f"The model `{_shown(refusal.model)}` {why}.{hint} See GET /v1/models."
    body = _error(refusal, 404, "not_found", message, param="model")
    return msgspec.structs.replace(body, code="model_not_found")


def _insufficient(refusal: InsufficientCredit) -> ErrorBody:
    bound, has, short = (
        format_credits(nanos) for nanos in (refusal.bound_nanos, refusal.available_nanos, refusal.short_by_nanos)
    )
    link = f" Add credit at {refusal.payment_link}." if refusal.payment_link else " Ask the operator for credit."
    return _error(
        refusal,
        402,
        "insufficient_credit",
        f"This call may cost up to {bound} credits and {has} are available: {short} short. "
        f"A lower output cap or a shorter prompt may fit.{link}",
        facts={"bound": bound, "available": has, "shortfall": short, "payment_link": refusal.payment_link},
    )


def _at_field(wrong: BadRequest) -> str:
    """The problem with the field's name before it: many programs show the message and nothing else."""
    named = wrong.field is None or f"`{wrong.field}`" in wrong.problem
    return wrong.problem if named else f"`{_shown(wrong.field or '')}`: {wrong.problem}"


def _shown(text: str) -> str:
    """What callers made up is not given back at any length."""
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"


def _error(
    refusal: Refusal,
    status: int,
    kind: str,
    message: str,
    param: str | None = None,
    facts: dict[str, str | int | None] | None = None,
) -> ErrorBody:
    code = str(refusal.__struct_config__.tag)
    return ErrorBody(status=status, kind=kind, code=code, message=message, param=param, facts=facts or {})
