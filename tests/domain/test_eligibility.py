"""Who may serve a call, of all that its model name leads to."""

from typing import Any

import msgspec
import pytest

from domain.catalog.catalog import Catalog, Served, catalog_of
from domain.dialects.unsupported_params import Policy
from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest, Message, ModelRequest, Text
from domain.refusals import BadRequest, Refusal, UnsupportedCapability, UnsupportedParameter
from domain.routing.eligibility import Unsupported, eligible
from domain.routing.tree import Route, RouteNode, offers_of
from tests.domain.build import a_chat_call, a_group, a_provider, a_rate, an_offer

REQUEST = ChatRequest(model="small", messages=(Message(role="user", parts=(Text(text="hello"),)),))
UNREADABLE = BadRequest(field="messages", problem="Send a list.")
WANTS = a_chat_call(dialect="anthropic")  # Every provider here speaks OpenAI's dialect.


class _Requested:
    """A call that counts how often it is read."""

    def __init__(
        self,
        call: ModelCall,
        rate_ids: tuple[str, ...] = (),
        unsupported: Policy = "drop",
        reads_as: ModelRequest | BadRequest = REQUEST,
    ) -> None:
        self.call = call
        self.rate_ids = rate_ids
        self.unsupported = unsupported
        self.request: ModelRequest | None = None
        self.reads = 0
        self._reads_as = reads_as

    def translate(self) -> ModelRequest | BadRequest:
        self.reads += 1
        if not isinstance(self._reads_as, BadRequest):
            self.request = self._reads_as
        return self._reads_as


def test_a_call_in_the_providers_own_dialect_is_not_read() -> None:
    requested, route = _Requested(a_chat_call()), _route(an_offer())

    assert _eligible(route, requested, _must_not_be_requested) is route
    assert requested.reads == 0


def test_who_drops_parameters_serves_with_their_names() -> None:
    assert [("acme", ("seed",)), ("bolt", ())] == [
        (offer.provider.name, offer.dropped)
        for offer in _offers(_route(a_group(*map(_of, ("acme", "bolt")))), _Requested(WANTS), _acme_lacks_seed())
    ]


def test_who_drops_parameters_is_left_out_where_the_caller_refuses_that() -> None:
    route = _route(a_group(_of("acme"), _of("bolt")))

    (offer,) = _offers(route, _Requested(WANTS, unsupported="refuse"), _acme_lacks_seed())

    assert offer.provider.name == "bolt"


def test_the_refusal_names_the_callers_model_and_the_first_lack() -> None:
    def unsupported(dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
        return UnsupportedParameter(field=f"{request.model}.n", dialect=dialect, model=request.model)

    offers = [msgspec.structs.replace(_of(name), model=f"{name}-small") for name in ("acme", "bolt")]
    found = _eligible(_route(a_group(*offers)), _Requested(WANTS), unsupported)

    assert found == UnsupportedParameter(field="acme-small.n", dialect="openai", model="acme/small")


def test_what_cannot_be_read_is_refused_with_the_readers_message() -> None:
    assert UNREADABLE is _eligible(_route(an_offer()), _Requested(WANTS, reads_as=UNREADABLE), _must_not_be_requested)


@pytest.mark.parametrize(
    ("capabilities", "serves"), [(None, True), (("images",), True), (("tools",), False), ((), False)]
)
def test_a_model_that_is_known_not_to_be_able_does_not_serve(
    capabilities: tuple[Any, ...] | None, serves: bool
) -> None:
    found = _eligible(
        _route(an_offer(a_rate(capabilities=capabilities))), _Requested(a_chat_call(images=1)), _must_not_be_requested
    )

    assert serves == isinstance(found, Route)
    assert serves or found == UnsupportedCapability(model="acme/small", lacks=("images",))


def test_a_call_that_names_a_quote_is_served_at_the_quoted_rate_or_not_at_all() -> None:
    quoted, newer = a_rate(), a_rate(id="rate-2", effective_ms=1, known_ms=1)
    route = _route(a_group(an_offer(newer), an_offer(a_rate(provider="bolt"), "bolt")))
    catalog = catalog_of(1, [a_provider()], [], [quoted, newer])

    found = eligible(route, _Requested(a_chat_call(), rate_ids=("rate-1",)), catalog, _must_not_be_requested)
    assert isinstance(found, Route)
    assert [quoted] == [offer.rate for offer in offers_of(found.root)]

    refused = eligible(route, _Requested(a_chat_call(), rate_ids=("rate-9",)), catalog, _must_not_be_requested)
    assert isinstance(refused, BadRequest)
    assert refused.field == "x-aihub-quote"


@pytest.mark.parametrize(("contexts", "serving"), [((10, 1_000), [1_000]), ((10, 20), [10, 20])])
def test_among_several_those_serve_in_whose_context_the_call_fits(
    contexts: tuple[int, int], serving: list[int]
) -> None:
    """A guess refuses nobody: where the call seems too large for all, the providers decide."""
    offers = [an_offer(a_rate(id=f"rate-{tokens}", context_tokens=tokens), f"of-{tokens}") for tokens in contexts]

    found = _offers(_route(a_group(*offers)), _Requested(a_chat_call()), _must_not_be_requested)

    assert serving == [offer.rate.context_tokens for offer in found if offer.rate]


def _of(provider: str) -> Served:
    return an_offer(a_rate(provider=provider, model=f"{provider}-small"), provider)


def _route(node: RouteNode) -> Route:
    return Route(name="acme/small", root=node)


def _eligible(route: Route, requested: _Requested, unsupported: Unsupported) -> Route | Refusal:
    return eligible(route, requested, _NO_ROWS, unsupported)


def _offers(route: Route, requested: _Requested, unsupported: Unsupported) -> list[Served]:
    found = _eligible(route, requested, unsupported)
    assert isinstance(found, Route)
    return [*offers_of(found.root)]


def _acme_lacks_seed() -> Unsupported:
    return lambda _, request: ("seed",) if request.model == "acme-small" else ()


def _must_not_be_requested(dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
    raise AssertionError(f"{dialect} was asked about {request.model}")


_NO_ROWS: Catalog = catalog_of(0, [], [], [])
