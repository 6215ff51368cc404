"""Every refusal has a record, whichever of its variants it is, and HTTP and the command line say the same by it."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from domain.failures import Failure, FailureKind
from domain.limits.refusals import BudgetExceeded, RateLimited, RunPurseSpent
from domain.refusals import (
    AlreadyExists,
    BadRequest,
    HubFull,
    InsufficientCredit,
    InvalidKey,
    MissingKey,
    NoCredential,
    NotAllowed,
    NotFound,
    ProviderFailed,
    Refusal,
    Remedy,
    StorageUnavailable,
    UnknownModel,
    UnpricedFeature,
    UnsupportedCapability,
    UnsupportedParameter,
    WrongMethod,
)
from entrypoints.cli.output import complaint
from entrypoints.http.dialects import anthropic, openai_chat
from entrypoints.http.dialects.google import errors as google
from entrypoints.http.errors import error_of, retry_after_ms, retry_after_s, should_retry
from entrypoints.refusals.record import ErrorKind, Record
from entrypoints.refusals.sentences import SHOWN_CHARACTERS_MAX
from entrypoints.refusals.table import RECORDS, record_of


def _refusals() -> Iterator[Refusal]:
    """An example of every refusal, one for each value of each of its choices, and of those that may be left out."""
    for refusal in get_args(Refusal):
        hints = get_type_hints(refusal)
        plain = {name: next(iter(_examples(kind))) for name, kind in hints.items()}
        for name, kind in hints.items():
            for value in _examples(kind):
                yield refusal(**{**plain, name: value})
        if not hints:
            yield refusal()


def _examples(kind: Any) -> list[Any]:
    if kind is Remedy:
        return [Remedy("user list")]
    if kind is Failure:
        return [Failure(kind=word, message="No.") for word in get_args(FailureKind)]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if get_origin(kind) is UnionType or None in get_args(kind) or type(None) in get_args(kind):
        return [value for part in get_args(kind) for value in ([None] if part is type(None) else _examples(part))]
    if get_origin(kind) is tuple:
        return [("one", "two"), ("tools",)]
    values: dict[type, list[Any]] = {str: ["x"], int: [7], bool: [False, True]}
    return values[kind]


def a_rate_refusal(wait_ms: int | None) -> RateLimited:
    return RateLimited(
        limit="limit_1", subject="key", measure="requests", amount=1, window_ms=1_000, remaining=0, wait_ms=wait_ms
    )


REFUSALS = tuple(_refusals())


def test_every_refusal_has_a_record_and_nothing_else_has() -> None:
    assert set(get_args(Refusal)) == RECORDS.keys()


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_a_refusal_is_an_error_with_a_message(refusal: Refusal) -> None:
    error = error_of(refusal)

    assert 400 <= error.status < 600
    assert error.message
    assert not {"{", "}"} & set(error.message + (error.param or ""))
    assert record_of(refusal).kind in get_args(ErrorKind)


def test_every_variant_of_a_record_is_met_by_a_refusal() -> None:
    listed = {id(record) for row in RECORDS.values() if not isinstance(row, Record) for record in row.records.values()}
    met = {id(record_of(refusal)) for refusal in [*REFUSALS, BadRequest(field="a", problem="`a` is wrong.")]}

    assert set() == listed - met


@pytest.mark.parametrize("words", [openai_chat.TYPES, anthropic.TYPES, google.STATUSES])
def test_every_dialect_has_a_type_for_every_kind_of_error(words: dict[str, str]) -> None:
    assert set(get_args(ErrorKind)) == words.keys()


@pytest.mark.parametrize(
    ("refusal", "status", "param", "message"),
    [
        (InvalidKey(), 401, None, "The API key is not known here. Ask the operator for a new one."),
        (InvalidKey(reason="revoked"), 401, None, "The API key was revoked. Ask the operator for a new one."),
        (NotAllowed(action="see routes", role="guest"), 403, None, "A guest may not see routes."),
        (BadRequest(field=None, problem="Send {JSON}."), 400, None, "Send {JSON}."),
        (BadRequest(field="n", problem="Send a number."), 400, "n", "`n`: Send a number."),
        (BadRequest(field="n", problem="Leave `n` out."), 400, "n", "Leave `n` out."),
        (WrongMethod(method="GET", allowed=("POST", "OPTIONS")), 405, None, "GET is not served here; use POST."),
        (
            UnknownModel(model="opus", similar=("opus-4", "opus-5")),
            404, "model",
            "The model `opus` is not served by any provider of this hub. Known here: opus-4, opus-5. See GET /v1/models.",
        ),
        (
            UnpricedFeature(model="m", feature="video"),
            400, "video",
            "The rate of `m` has no price for `video`, so it is not sold. Leave it out or call another model, or let the "
            "operator set its price: `aihub rate set` with --video-second.",
        ),
        (
            UnsupportedCapability(model="m", lacks=("images", "tools")),
            400, "messages",
            "`m` takes no images and tools. Leave that out, or call a model that does: GET /v1/models lists what each is "
            "able to.",
        ),
        (
            UnsupportedParameter(field="previous_response_id", dialect="openai", model="m"),
            400, "previous_response_id",
            "`previous_response_id` cannot be expressed in the openai dialect that serves `m`. The hub keeps no answers: send "
            "the items themselves, and `store: false` so that your client does so (in the AI SDK, "
            "`providerOptions.openai.store: false`).",
        ),
        (
            InsufficientCredit(bound_nanos=3_000_000_000, available_nanos=1_000_000_000),
            402, None,
            "This call may cost up to 3 credits and 1 are available: 2 short. A lower output cap or a shorter prompt may "
            "fit. Ask the operator for credit.",
        ),
        (
            RateLimited(
                limit="limit_1", subject="key", measure="requests", amount=60, window_ms=60_000, remaining=0, wait_ms=1_500
            ),
            429, None, "60 requests in 60 s are the limit of this key. Try again in 1500 ms.",
        ),
        (
            RateLimited(
                limit="limit_1", subject="hub", measure="tokens", amount=60, window_ms=60_000, remaining=0, wait_ms=None
            ),
            429, None,
            "This call is larger than the limit of this hub: 60 tokens in 60 s. A lower output cap or a shorter prompt may "
            "fit.",
        ),
        (
            BudgetExceeded(
                budget="budget_1", subject="user", period="month", amount_nanos=10**9, left_nanos=0, bound_nanos=10**8,
                reset_ms=1_728_000_000,
            ),
            402, None,
            "This call may cost up to 0.1 credits, and 0 are left of the budget of this user for the month. A lower output "
            "cap or a shorter prompt may fit. The next month begins in 20 d.",
        ),
        (
            RunPurseSpent(run="r1", purse_nanos=10**9, left_nanos=10**7, bound_nanos=10**8),
            402, None,
            "This call may cost up to 0.1 credits, and 0.01 are left in the purse of the run `r1`. The operator can raise it "
            "with `aihub run set`.",
        ),
        (
            NoCredential(model="m", providers=("acme", "other")),
            503, "model",
            "No active credential is left for `m` at acme, other. The operator adds one with `aihub credential add acme`, "
            "or brings one back with `aihub credential activate`.",
        ),
        (
            ProviderFailed(failure=Failure(kind="timed_out", message="provider acme (acme.test) is silent"), provider="acme"),
            504, None, "acme: is silent",
        ),
        (
            StorageUnavailable(reason="a lost answer", is_unknown=True),
            503, None,
            "The hub cannot write its books just now (a lost answer). "
            "It is not known yet whether this call was charged: see the call log before you repeat it.",
        ),
        (
            NotFound(kind="response", name="resp_1"),
            404, None,
            "There is no response `resp_1`. The hub keeps no answers: send the earlier turns in `input`.",
        ),
    ],
)  # fmt: skip
def test_a_caller_is_reported_what_is_wrong_and_what_to_do(
    refusal: Refusal, status: int, param: str | None, message: str
) -> None:
    error = error_of(refusal)

    assert (status, param, message) == (error.status, error.param, error.message)


@pytest.mark.parametrize(
    ("denial", "message"),
    [
        (NotFound(kind="user", name="eve"), "there is no user 'eve'; nothing was changed"),
        (NotFound(kind="user", name="eve", remedy=Remedy("user list")), "there is no user 'eve'; see `aihub user list`"),
        (
            NotFound(kind="rate", name="acme/x", remedy=Remedy("rate list"), similar=("acme/y",)),
            "there is no rate 'acme/x'; known here: acme/y; see `aihub rate list`",
        ),
        (AlreadyExists(kind="alias", name="fast"), "there is an alias 'fast' already; see `aihub alias list`"),
        (AlreadyExists(kind="user", name="eve"), "there is a user 'eve' already; see `aihub user list`"),
        (BadRequest(field="targets", problem="name a model"), "--to: name a model"),
        (BadRequest(field=None, problem="name a model"), "name a model"),
        (
            BadRequest(field=None, problem="it is there", remedy=Remedy("user add", "eve")),
            "it is there; add the user with `aihub user add eve`",
        ),
        (NotAllowed(action="see routes", role="guest"), "a guest may not see routes"),
    ],
)  # fmt: skip
def test_the_command_line_prints_the_same_with_the_command_that_helps(denial: Any, message: str) -> None:
    assert message == str(complaint(denial, {"targets": "--to"}))


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_what_a_caller_made_up_is_repeated_only_so_far(refusal: Refusal) -> None:
    long = "x" * 10 * SHOWN_CHARACTERS_MAX
    made_up = {"model", "field", "path", "coding", "feature", "name"} & set(refusal.__struct_fields__)
    texts = {name: long for name in made_up if isinstance(getattr(refusal, name), str)}

    assert long not in error_of(msgspec.structs.replace(refusal, **texts)).message


@pytest.mark.parametrize(
    ("refusal", "seconds", "milliseconds", "retries"),
    [
        (a_rate_refusal(1_500), 2, 1_500, True),
        (a_rate_refusal(60_000), 60, 60_000, True),
        (a_rate_refusal(60_001), None, None, False),
        (a_rate_refusal(None), None, None, False),
        (InsufficientCredit(bound_nanos=2, available_nanos=1), None, None, False),
        (RunPurseSpent(run="r1", purse_nanos=1, left_nanos=0, bound_nanos=1), None, None, False),
        (HubFull(), 1, 1_000, None),
        (StorageUnavailable(reason="a full disk"), 1, 1_000, None),
        (StorageUnavailable(reason="a lost answer", is_unknown=True), None, None, False),
        (MissingKey(), None, None, None),
    ],
)
def test_an_sdk_waits_a_minute_at_most_and_does_not_retry_where_that_does_not_help(
    refusal: Refusal, seconds: int | None, milliseconds: int | None, retries: bool | None
) -> None:
    assert (seconds, milliseconds) == (retry_after_s(refusal), retry_after_ms(refusal))
    assert retries == should_retry(refusal)


def test_waiting_helps_where_the_hub_itself_is_full_or_the_provider_reports_it() -> None:
    failure = Failure(kind="overloaded", message="No.", retry_after_ms=1_001)
    waits = {type(refusal).__name__ for refusal in REFUSALS if retry_after_s(refusal) is not None}

    assert {"HubFull", "StorageUnavailable", "RateLimited", "ExposureReached"} == waits
    assert 2 == retry_after_s(ProviderFailed(failure=failure, provider="acme"))
