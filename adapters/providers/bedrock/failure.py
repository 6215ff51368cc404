"""Convert AWS's errors to a `Failure`: an answer that is not 2xx, and an exception inside a stream.

House rule: the kind comes from the exception's name, or from the status if the name is unknown; never from the message.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

import re

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.rejection import MESSAGE_CHARACTERS_MAX, kind_of_status, retry_after_ms
from domain.failures import Failure, FailureKind

NAME = "bedrock"

# In lower case: a stream has `throttlingException`, a header `ThrottlingException`.
_KINDS: dict[str, FailureKind] = {
    "throttlingexception": "overloaded",
    "toomanyrequestsexception": "overloaded",
    "servicequotaexceededexception": "overloaded",
    "modelnotreadyexception": "overloaded",
    "serviceunavailableexception": "unavailable",
    "internalserverexception": "unavailable",
    "internalfailure": "unavailable",
    "modeltimeoutexception": "unavailable",
    "modelerrorexception": "unavailable",
    "modelstreamerrorexception": "unavailable",
    # 403 because the account has no access to this one model. The credential still works for other models.
    "accessdeniedexception": "unavailable",
    "validationexception": "request_rejected",
    "resourcenotfoundexception": "request_rejected",
    "unrecognizedclientexception": "credential_rejected",
    "invalidsignatureexception": "credential_rejected",
    "incompletesignatureexception": "credential_rejected",
    "missingauthenticationtokenexception": "credential_rejected",
    "expiredtokenexception": "credential_rejected",
    "expiredtoken": "credential_rejected",
}

# The answer to a wrong signature repeats the string to sign, which includes the session's token.
_REPEATING = frozenset(("invalidsignatureexception", "incompletesignatureexception"))

# The account of the hub is hidden from callers: "User: arn:aws:iam::123456789012:user/hub is not …".
_IDENTITY = re.compile(r"(arn:aws[a-z-]*:(?:iam|sts)::)\S+")


class _ErrorBody(msgspec.Struct, frozen=True, rename="camel"):
    """AWS sends `message` or `Message`, and sometimes the exception's name in `__type`."""

    message: str | None = None
    capital: str | None = msgspec.field(default=None, name="Message")
    type: str | None = msgspec.field(default=None, name="__type")
    original_message: str | None = None


_ERROR_BODY = msgspec.json.Decoder(_ErrorBody)


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure, for any body. The header is `ThrottlingException:http://…`."""
    error, message = _read(body)
    code = _name(headers.get("x-amzn-errortype")) or _name(error.type)
    repeats = code is not None and code.lower() in _REPEATING
    if repeats:
        message = "the provider rejected the request's signature: check the secret access key and this machine's clock"
    return Failure(
        kind=_KINDS.get((code or "").lower()) or kind_of_status(status),
        message=message or f"the provider answered {status} without a message",
        status=status,
        code=code,
        retry_after_ms=retry_after_ms(headers),
        dialect=NAME,
        body=b"" if repeats else body,
    )


def exception(name: str, data: bytes) -> Failure:
    """Return an exception after the start of the answer: it has a name but no status."""
    _, message = _read(data)
    return Failure(
        # An unknown name means that the provider failed, not the caller.
        kind=_KINDS.get(name.lower(), "unavailable"),
        message=message or f"the provider broke off with {name} and without a message",
        code=name,
        dialect=NAME,
        body=data,
    )


def malformed(message: str) -> Failure:
    """Return a failure for an answer that breaks Converse's format."""
    return Failure(kind="malformed", message=message, dialect=NAME)


def _read(body: bytes) -> tuple[_ErrorBody, str]:
    """Return the error's fields and its message: one line of bounded length; an HTML page is not quoted."""
    try:
        error = _ERROR_BODY.decode(body)
        text = error.message or error.capital or error.original_message or ""
    except DECODE_ERRORS:
        error, text = _ErrorBody(), body[: 4 * MESSAGE_CHARACTERS_MAX].decode(errors="replace")
        text = "" if text.lstrip()[:1] in ("<", "{", "[") else text
    return error, _IDENTITY.sub(r"\1…", " ".join(text.split()))[:MESSAGE_CHARACTERS_MAX]


def _name(raw: str | None) -> str | None:
    """Return the exception's name without the text after a colon and without the namespace before a hash."""
    return (raw or "").partition(":")[0].rpartition("#")[2].strip() or None
