"""How a provider fails, as a value that routing, the books and the caller can act on."""

from typing import Literal

import msgspec

FailureKind = Literal[
    "unreachable",  # no connection, a TLS error, a name that does not resolve
    "timed_out",  # the provider was silent for too long
    "overloaded",  # 429, 529: try later or elsewhere
    "unavailable",  # 5xx, 408, 409
    "credential_rejected",  # 401, 403: the hub's own credential, not the caller's
    "request_rejected",  # other 4xx: the caller's request, as the provider sees it
    "truncated",  # the stream ended without its terminal event
    "malformed",  # the answer is not what the dialect promises
]


# Failures after which the provider may have worked and may charge the operator, but reported no usage.
MAY_HAVE_COST = frozenset(("timed_out", "unavailable", "truncated", "malformed"))

# Failures of a request that the provider had accepted, and that it did not report itself.
_TAKEN_ON = frozenset(("timed_out", "truncated", "malformed"))

# Statuses of a gateway in front of the model whose own wait for it ended, so that it may still be at work: RFC 9110,
# 15.6.5, and Cloudflare's 520 (an empty answer) and 524
# (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/). A 408 is not
# one of them: there the request itself did not arrive in time (RFC 9110, 15.5.9).
_GATEWAY_GAVE_UP = frozenset((504, 520, 524))


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt gave no whole answer. `status` is the provider's HTTP status, 0 if there was none.

    `body` is the provider's own error body and `dialect` its dialect, so that a caller of that dialect gets it
    unchanged; `message` is the human-readable sentence in it, without secrets. If `is_final`, no other attempt is made:
    the provider may still do the work and charge for it. `should_retry` is the provider's `x-should-retry`: whether the
    caller's SDK may send the same request again. `sent`: the connection was lost after the whole request had been sent.
    """

    kind: FailureKind
    message: str
    status: int = 0
    code: str | None = None
    retry_after_ms: int | None = None
    dialect: str | None = None
    body: bytes = b""
    is_final: bool = False
    should_retry: bool | None = None
    sent: bool = False

    @property
    def may_be_paid(self) -> bool:
        """Whether the provider accepted the request and may charge for an answer.

        An error that the provider reports, by a status or an event, is not such a failure: it made no answer. A gateway
        that waited for the model in vain reports the opposite.
        """
        if self.status and not 200 <= self.status < 300:
            return self.status in _GATEWAY_GAVE_UP
        return self.sent or self.kind in _TAKEN_ON
