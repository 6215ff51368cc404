"""Every reason not to carry out a request, one frozen value each, with the facts that a caller needs to act.

A refusal is an expected outcome, so it is returned and not raised. Its tag is the error code that callers see.
`entrypoints/refusals/table.py` has a record for each, which HTTP and the command line render; a test fails for one
without.
"""

from typing import Literal, TypeAlias

import msgspec

from domain.failures import Failure
from domain.limits.refusals import (
    BudgetExceeded,
    ExposureReached,
    PaidCallsStopped,
    RateLimited,
    RunPurseSpent,
    RunStopped,
)


class MissingKey(msgspec.Struct, frozen=True, kw_only=True, tag="missing_api_key"):
    """The call carries no API key."""


class InvalidKey(msgspec.Struct, frozen=True, kw_only=True, tag="invalid_api_key"):
    """The API key is unknown or malformed, or no longer valid, for the `reason`."""

    reason: Literal[
        "unknown", "revoked", "disabled", "expired", "user disabled", "no member", "team disabled", "no team wallet"
    ] = "unknown"


class KeyNotAllowed(msgspec.Struct, frozen=True, kw_only=True, tag="key_not_allowed"):
    """The API key is valid, but it may not do this: `what`, such as "call the model `x`"."""

    what: str


class NotAllowed(msgspec.Struct, frozen=True, kw_only=True, tag="not_allowed"):
    """The caller's role does not permit the action."""

    action: str
    role: str


class Remedy(msgspec.Struct, frozen=True):
    """The action that helps, by its name in the action table, such as "user add", and on what.

    Each entrypoint words it: the command line as a command.
    """

    action: str
    subject: str = ""


class BadRequest(msgspec.Struct, frozen=True, kw_only=True, tag="bad_request"):
    """The request is wrong: `field` names the place (None: the whole body), `problem` the error and the remedy.

    In a management action `field` is a field of the action's request.
    """

    field: str | None
    problem: str
    remedy: Remedy | None = None


class TooLarge(msgspec.Struct, frozen=True, kw_only=True, tag="body_too_large"):
    """The request body is over the bound."""

    bytes_max: int


class EncodedBody(msgspec.Struct, frozen=True, kw_only=True, tag="body_encoded"):
    """The request body is compressed or encoded in another way, according to `Content-Encoding`."""

    coding: str


class BadHttp(msgspec.Struct, frozen=True, kw_only=True, tag="bad_http"):
    """The request came too slowly, its head is too large, or its version of HTTP is not supported."""

    problem: Literal["slow", "head_too_large", "version"]


class HubFull(msgspec.Struct, frozen=True, kw_only=True, tag="hub_full"):
    """The hub has as many requests under way as memory and descriptors afford."""


class UnknownPath(msgspec.Struct, frozen=True, kw_only=True, tag="unknown_path"):
    """Nothing is served at this path."""

    path: str


class WrongMethod(msgspec.Struct, frozen=True, kw_only=True, tag="wrong_method"):
    """The path exists, but not for this method."""

    method: str
    allowed: tuple[str, ...]


class NotOffered(msgspec.Struct, frozen=True, kw_only=True, tag="not_offered"):
    """The path belongs to a part of a vendor's API that the hub does not offer; `instead` names the alternative."""

    surface: str
    instead: str


class NoUpgrade(msgspec.Struct, frozen=True, kw_only=True, tag="no_upgrade"):
    """The request asks for a WebSocket, and the hub answers over HTTP only."""


class UnknownModel(msgspec.Struct, frozen=True, kw_only=True, tag="model_not_found"):
    """No enabled provider serves the model; `similar` are names that exist."""

    model: str
    similar: tuple[str, ...] = ()


class UnpricedModel(msgspec.Struct, frozen=True, kw_only=True, tag="unpriced_model"):
    """Billing is on and the model has no rate, so its use cannot be charged. `similar` names models with one."""

    model: str
    similar: tuple[str, ...] = ()


class UnpricedFeature(msgspec.Struct, frozen=True, kw_only=True, tag="unpriced_feature"):
    """Billing is on and the request asks for something the model's rate has no price for."""

    model: str
    feature: str


class UnsupportedCapability(msgspec.Struct, frozen=True, kw_only=True, tag="unsupported_capability"):
    """No provider of the model can do what the request asks for; `lacks` names the missing capabilities."""

    model: str
    lacks: tuple[str, ...]


class Unbounded(msgspec.Struct, frozen=True, kw_only=True, tag="unbounded_charge"):
    """The charge of the request has no upper bound; `field` is the part that is responsible, and `cause` the reason.

    context: the model's context is unknown, and the content is not in the request. uses: the uses of a hosted tool are
    not bounded. output: the model's longest output is unknown. amount: the bound is more than the books can hold.
    """

    model: str
    field: str
    cause: Literal["context", "uses", "output", "amount"]


class UsageUnavailable(msgspec.Struct, frozen=True, kw_only=True, tag="usage_unavailable"):
    """The request's `field` asks the provider to answer before it has counted anything, so nothing could be charged."""

    field: str


class UnsupportedParameter(msgspec.Struct, frozen=True, kw_only=True, tag="unsupported_parameter"):
    """The request uses something that the provider's dialect cannot express."""

    field: str
    dialect: str
    model: str = ""


class InsufficientCredit(msgspec.Struct, frozen=True, kw_only=True, tag="insufficient_credit"):
    """The wallet cannot cover the most that the call may cost."""

    bound_nanos: int
    available_nanos: int
    payment_link: str | None = None

    @property
    def short_by_nanos(self) -> int:
        """The missing amount, at least one nano."""
        return self.bound_nanos - self.available_nanos


class NoCredential(msgspec.Struct, frozen=True, kw_only=True, tag="no_credential"):
    """A provider serves the model, but no active credential is left to call it with."""

    model: str
    providers: tuple[str, ...]


class ProviderFailed(msgspec.Struct, frozen=True, kw_only=True, tag="provider_failed"):
    """All attempts were made and the last failed; nothing is charged unless output was delivered."""

    failure: Failure
    provider: str


class IdempotencyConflict(msgspec.Struct, frozen=True, kw_only=True, tag="idempotency_conflict"):
    """The Idempotency-Key was used before with another body."""

    key: str


class IdempotencyUnavailable(msgspec.Struct, frozen=True, kw_only=True, tag="idempotency_unavailable"):
    """The first call with this Idempotency-Key ended, but its answer cannot be repeated; `reason` states why."""

    key: str
    call_id: str
    reason: str


class IdempotencyInterrupted(msgspec.Struct, frozen=True, kw_only=True, tag="idempotency_interrupted"):
    """A management request with this Idempotency-Key has made its change, and its answer is not kept (yet)."""

    key: str


class PreconditionFailed(msgspec.Struct, frozen=True, kw_only=True, tag="precondition_failed"):
    """What a request would change is not what its If-Match names; `read` is the path that shows it as it is."""

    read: str


class StorageUnavailable(msgspec.Struct, frozen=True, kw_only=True, tag="storage_unavailable"):
    """The hub cannot reach its books at the moment: nothing was charged, unless that `is_unknown`."""

    reason: str
    is_unknown: bool = False


class NotFound(msgspec.Struct, frozen=True, kw_only=True, tag="not_found"):
    """A management action names a `kind` of thing that does not exist. `similar` are names that exist."""

    kind: str
    name: str
    remedy: Remedy | None = None
    similar: tuple[str, ...] = ()


class AlreadyExists(msgspec.Struct, frozen=True, kw_only=True, tag="already_exists"):
    """A management action would create a thing that exists already."""

    kind: str
    name: str


Refusal: TypeAlias = (
    MissingKey
    | InvalidKey
    | KeyNotAllowed
    | NotAllowed
    | BadRequest
    | TooLarge
    | EncodedBody
    | BadHttp
    | HubFull
    | UnknownPath
    | WrongMethod
    | NotOffered
    | NoUpgrade
    | UnknownModel
    | UnpricedModel
    | UnpricedFeature
    | UnsupportedCapability
    | Unbounded
    | UsageUnavailable
    | UnsupportedParameter
    | InsufficientCredit
    | RateLimited
    | BudgetExceeded
    | RunPurseSpent
    | RunStopped
    | PaidCallsStopped
    | ExposureReached
    | NoCredential
    | ProviderFailed
    | IdempotencyConflict
    | IdempotencyUnavailable
    | IdempotencyInterrupted
    | PreconditionFailed
    | StorageUnavailable
    | NotFound
    | AlreadyExists
)
