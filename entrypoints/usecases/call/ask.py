"""A call as its caller asks for it, while the hub looks for a provider."""

from collections.abc import Callable

from domain.dialects.unsupported_params import Policy
from domain.model_api.call import ModelCall
from domain.model_api.requests import ModelRequest
from domain.refusals import BadRequest
from domain.routing.order import Order
from domain.routing.tree import Route


class Ask:
    """A call that asks to be made: the key's fingerprint, what was asked, and how to say it in canonical words.

    `rate_ids` are those of the quote that it names: it is sold at one of them or not at all. `unsupported` is what
    becomes of wishes that a provider's dialect has no field for.
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
    ) -> None:
        self.call_id = call_id
        self.fingerprint = fingerprint
        self.call = call
        self.idempotency_key = idempotency_key
        self.digest = digest
        self.rate_ids = rate_ids
        self.unsupported = unsupported
        self.request: ModelRequest | None = None
        self.route: Route | None = None
        self.order: Order | None = None
        # How the server is asked to give up a caller who takes nothing any more; None where it has no way to.
        self.leave: Callable[[], None] | None = None
        self._to_request = to_request

    def translate(self) -> ModelRequest | BadRequest:
        """The call in canonical words, read once and only for a provider of another dialect."""
        if self.request is None:
            request = self._to_request(self.call)
            if isinstance(request, BadRequest):
                return request
            self.request = request
        return self.request
