"""Every refusal's status, kind and words; a test keeps the table complete."""

from collections.abc import Mapping

from domain.refusals import (
    AlreadyExists,
    BadHttp,
    BadRequest,
    EncodedBody,
    HubFull,
    IdempotencyConflict,
    IdempotencyInterrupted,
    IdempotencyUnavailable,
    InsufficientCredit,
    InvalidKey,
    KeyNotAllowed,
    MissingKey,
    NoCredential,
    NotAllowed,
    NotFound,
    NotOffered,
    NoUpgrade,
    PreconditionFailed,
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
from entrypoints.refusals import values
from entrypoints.refusals.limits import LIMITS, never
from entrypoints.refusals.record import ErrorKind, Record, Variants


def record_of(refusal: Refusal) -> Record:
    """The record by which a refusal is presented."""
    row = RECORDS[type(refusal)]
    return row if isinstance(row, Record) else row.records[row.by(refusal)]


def _invalid_key(why: str) -> Record:
    template = f"The API key {why}."
    return Record(status=401, kind="authentication", template=template, advice="Ask the operator for a new one.")


def _bad_request(template: str) -> Record:
    return Record(status=400, kind="invalid_request", template=template, param="{field}")


def _bad_http(status: int, template: str, advice: str) -> Record:
    return Record(status=status, kind="invalid_request", template=template, advice=advice)


def _no_model(why: str) -> Record:
    """SDKs know a missing model by 404, clients by the code. `aihub route explain` shows the operator why."""
    return Record(
        status=404,
        kind="not_found",
        template=f"The model {{model:name}} {why}.",
        advice="{known}See GET /v1/models.",
        param="model",
        values=values.of_model,
        code="model_not_found",
    )


def _unbounded(cause: str, advice: str) -> Record:
    return Record(
        status=400,
        kind="invalid_request",
        template=f"With {{field:name}} the charge of this call has no upper bound: {cause}.",
        advice=advice,
        param="{field}",
    )


def _failed(status: int, kind: ErrorKind = "provider", template: str = "{provider}: {message}") -> Record:
    """A failed provider call, where the provider gave no status that means anything to the caller."""
    return Record(status=status, kind=kind, template=template, values=values.of_failure)


RECORDS: Mapping[type, Record | Variants] = {
    MissingKey: Record(
        status=401,
        kind="authentication",
        template="No API key was sent.",
        advice="Send it as `Authorization: Bearer KEY` (or `x-api-key: KEY`); the operator makes one with "
        "`aihub key create`.",
    ),
    InvalidKey: Variants(
        lambda refusal: refusal.reason,
        {
            "unknown": _invalid_key("is not known here"),
            "revoked": _invalid_key("was revoked"),
            "disabled": _invalid_key("is disabled"),
            "expired": _invalid_key("has expired"),
            "user disabled": _invalid_key("belongs to a user who is disabled"),
            "no member": _invalid_key("belongs to a team of which its user is no member"),
            "team disabled": _invalid_key("belongs to a team that is disabled"),
            "no team wallet": _invalid_key("is paid by a team that has no wallet now"),
        },
    ),
    KeyNotAllowed: Record(
        status=403,
        kind="permission",
        template="This API key may not {what}.",
        advice="Ask the operator for a key that may.",
    ),
    NotAllowed: Record(status=403, kind="permission", template="A {role} may not {action}."),
    BadRequest: Variants(
        values.place,
        {
            "nowhere": _bad_request("{problem}"),
            "named": _bad_request("{problem}"),
            "field": _bad_request("{field:field}: {problem}"),
        },
    ),
    TooLarge: Record(
        status=413,
        kind="too_large",
        template="The request body is over {bytes_max} bytes.",
        advice="Send less, or let the operator raise AIHUB_BODY_BYTES_MAX.",
    ),
    EncodedBody: Record(
        status=415,
        kind="invalid_request",
        template="The request body is encoded: `Content-Encoding: {coding:short}`.",
        advice="Send it as it is, without that header; the hub decodes no bodies.",
        param="Content-Encoding",
    ),
    BadHttp: Variants(
        lambda refusal: refusal.problem,
        {
            "slow": _bad_http(408, "The request did not come in time.", "Send it again, all of it at once."),
            "head_too_large": _bad_http(431, "The request's path and headers are too large together.", "Send less."),
            "version": _bad_http(505, "This version of HTTP is not served.", "Send HTTP/1.1."),
        },
    ),
    HubFull: Record(
        status=503,
        kind="overloaded",
        template="The hub has all the requests it can hold.",
        advice="Try again shortly.",
        retry_after_s=1,
    ),
    UnknownPath: Record(
        status=404,
        kind="not_found",
        template="Nothing is served at {path:short}.",
        advice="See GET / for what is; SDKs want the base URL to end in /v1 (OpenAI) or without it (Anthropic).",
    ),
    WrongMethod: Record(
        status=405,
        kind="invalid_request",
        template="{method} is not served here; use {methods}.",
        values=values.of_method,
    ),
    NotOffered: Record(status=404, kind="not_found", template="This hub does not offer {surface}.", advice="{instead}"),
    NoUpgrade: Record(
        status=426,
        kind="invalid_request",
        template="This hub speaks no WebSocket.",
        advice="Send the request with POST over HTTP; it can be streamed.",
    ),
    UnknownModel: _no_model("is not served by any provider of this hub"),
    UnpricedModel: _no_model("is not sold here"),
    UnpricedFeature: Record(
        status=400,
        kind="invalid_request",
        template="The rate of {model:name} has no price for {feature:name}, so it is not sold.",
        advice="Leave it out or call another model, or let the operator set its price: `aihub rate set` with "
        "{options}.",
        param="{feature:short}",
        values=values.of_feature,
    ),
    UnsupportedCapability: Record(
        status=400,
        kind="invalid_request",
        template="{model:name} takes no {lacking}.",
        advice="Leave that out, or call a model that does: GET /v1/models lists what each is able to.",
        param="{at}",
        values=values.of_capability,
    ),
    Unbounded: Variants(
        lambda refusal: refusal.cause,
        {
            "context": _unbounded(
                "what it adds is not in the request, and the context of {model:name} is not known",
                "Send it inline, or let the operator set `aihub rate set … --context N`.",
            ),
            "uses": _unbounded(
                "the uses of the tool are not bounded",
                "Send max_tool_calls (Responses) or the tool's max_uses (Messages).",
            ),
            "output": _unbounded(
                "how much {model:name} writes is not known",
                "Let the operator set `aihub rate set … --max-output N`.",
            ),
            "amount": _unbounded("it could come to more than the books can hold", "Send a lower number."),
        },
    ),
    UsageUnavailable: Record(
        status=400,
        kind="invalid_request",
        template="With {field:name} the provider answers before it has counted, so the call could not be charged.",
        advice="Leave it out; a long answer can be streamed.",
        param="{field}",
    ),
    UnsupportedParameter: Record(
        status=400,
        kind="invalid_request",
        template="{field:name} cannot be expressed in the {dialect} dialect that serves {model:name}.",
        advice="{instead}",
        param="{field:short}",
        values=values.of_parameter,
    ),
    InsufficientCredit: Record(
        status=402,
        kind="insufficient_credit",
        template="This call may cost up to {bound} credits and {available} are available: {shortfall} short.",
        advice="A lower output cap or a shorter prompt may fit. {source}",
        values=values.of_credit,
        facts=values.credit_facts,
        should_retry=never,
    ),
    **LIMITS,
    NoCredential: Record(
        status=503,
        kind="overloaded",
        template="No active credential is left for {model:name} at {names}.",
        advice="The operator adds one with `aihub credential add {first}`, or brings one back with "
        "`aihub credential activate`.",
        param="model",
        values=values.of_credentials,
    ),
    ProviderFailed: Variants(
        lambda refusal: refusal.failure.kind,
        {
            "unreachable": _failed(502),
            "timed_out": _failed(504),
            "overloaded": _failed(429, "rate_limit"),
            "unavailable": _failed(502),
            "credential_rejected": _failed(502, template="{provider}: rejected the hub's credential"),
            "request_rejected": _failed(400, "invalid_request", "{message}"),
            "truncated": _failed(502),
            "malformed": _failed(502),
        },
    ),
    IdempotencyConflict: Record(
        status=409,
        kind="conflict",
        template="This Idempotency-Key was used before with another request.",
        advice="Use a new key for a new request.",
        param="Idempotency-Key",
    ),
    IdempotencyUnavailable: Record(
        status=409,
        kind="conflict",
        template="The call {call_id} with this Idempotency-Key was charged, but its answer cannot be given again: "
        "{reason}.",
        advice="Use a new key to make a new call.",
        param="Idempotency-Key",
        facts=lambda refusal: {"call_id": refusal.call_id},
    ),
    IdempotencyInterrupted: Record(
        status=409,
        kind="conflict",
        template="The first request with this Idempotency-Key has made its change, and its answer is not kept.",
        advice="It may be under way: try again shortly. Else read what there is, and use a new key for a new change.",
        param="Idempotency-Key",
    ),
    PreconditionFailed: Record(
        status=412,
        kind="conflict",
        template="This was changed since you read it, so nothing was changed now.",
        advice="Read it again at {read:short}, and send the ETag of that answer in If-Match.",
        param="If-Match",
    ),
    StorageUnavailable: Record(
        status=503,
        kind="overloaded",
        template="The hub cannot write its books just now ({reason}).",
        advice="{advice}",
        values=values.of_unavailable,
        wait_ms=lambda refusal: None if refusal.is_unknown else 1_000,
        should_retry=lambda refusal: False if refusal.is_unknown else None,
    ),
    NotFound: Record(
        status=404,
        kind="not_found",
        template="There is no {kind} {name:name}.",
        advice="{advice}",
        values=values.of_missing,
    ),
    AlreadyExists: Record(
        status=409,
        kind="conflict",
        template="There is {article} {kind} {name:name} already.",
        values=values.of_existing,
    ),
}
