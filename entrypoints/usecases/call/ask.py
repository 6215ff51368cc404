"""A call as its caller asks for it, while the hub looks for a provider."""

from collections.abc import Callable

from domain.dialects.unsupported_params import Policy
from domain.model_api.call import ModelCall
from domain.model_api.origin import NOWHERE, Origin
from domain.model_api.requests import ModelRequest
from domain.refusals import BadRequest
from domain.routing.order import Order
from domain.routing.tree import Route


class Ask:
    """A requested call: the key's fingerprint, the call, and how to read it as a canonical request.

    `rate_ids` are those of the quote that it names: it is sold at one of them or refused. `unsupported` is the policy
    for parameters that a provider's dialect cannot express.
    """

    def __init__(
        self,
        *,
        call_id: str,
        fingerprint: str,
        call: ModelCall,
        to_request: Callable[[ModelCall], ModelRequest | BadRequest],
        idempotency_key: str | None = None,
        digest: str = "",
        rate_ids: tuple[str, ...] = (),
        unsupported: Policy = "drop",
        origin: Origin = NOWHERE,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> None:
        self.call_id = call_id
        self.fingerprint = fingerprint
        self.call = call
        self.idempotency_key = idempotency_key
        self.digest = digest
        self.rate_ids = rate_ids
        self.unsupported = unsupported
        self.origin = origin
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.request: ModelRequest | None = None
        self.route: Route | None = None
        self.order: Order | None = None
        # Asks the server to give up a caller who reads nothing any more; None where the server cannot.
        self.leave: Callable[[], None] | None = None
        self._to_request = to_request

    def translate(self) -> ModelRequest | BadRequest:
        """The call as a canonical request, read once and only for a provider of another dialect."""
        if self.request is None:
            request = self._to_request(self.call)
            if isinstance(request, BadRequest):
                return request
            self.request = request
        return self.request
