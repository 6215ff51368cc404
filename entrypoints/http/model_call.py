"""`POST /v1/chat/completions` and `/v1/messages`: read in the caller's dialect, made by the use case, answered."""

import hashlib
from types import TracebackType
from typing import get_args

import msgspec

from domain.billing.plan import Affordable
from domain.catalog.vendors import passes_through
from domain.dialects.surrogates import may_be_in, without_lone
from domain.dialects.unsupported_params import Policy, header_value
from domain.model_api.call import ModelCall
from domain.model_api.origin import origin_of
from domain.pricing.money import format_credits
from domain.refusals import BadRequest, Refusal
from domain.routing.explain import brief
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.requested_form import in_requested_form
from entrypoints.http.keys import fingerprint_of
from entrypoints.http.rate_headers import OF_PROVIDERS, rate_headers
from entrypoints.http.renderers import EVENT_STREAM, JSON, PassThrough, RenderedStream, RenderedWhole
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.model_call import LiveCall, Replayed, admitted_call
from entrypoints.usecases.call.quote import basis_of
from entrypoints.usecases.call.relay import Relay
from entrypoints.usecases.call.renderer import Renderer
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
from ports.providers import Answer

IDEMPOTENCY_KEY_MAX = 255
_POLICIES: dict[str, Policy] = {policy: policy for policy in get_args(Policy)}
RELAYED_REQUEST_HEADERS = ("anthropic-beta", "openai-beta")


def chat_handler(context: CallContext, dialect: CallerDialect) -> Handler:
    """The handler of chat calls by callers of one dialect."""
    return lambda request: _Handling(context, dialect, request)


class _Handling:
    """One request as a context: its reply is valid inside, and leaving it ends the call.

    It is a class because a generator as a context manager costs more per call than the plan of the call.
    """

    __slots__ = ("_context", "_dialect", "_live", "_request")

    def __init__(self, context: CallContext, dialect: CallerDialect, request: Request) -> None:
        self._context = context
        self._dialect = dialect
        self._request = request
        self._live: LiveCall | None = None

    async def __aenter__(self) -> Reply:
        context, dialect, request = self._context, self._dialect, self._request
        ask = await _ask_of(context, dialect, request)
        if not isinstance(ask, Ask):
            return refuse(dialect, request, ask)
        if ask.call.stream:
            # A streamed call is cancelled by a hang-up and billed so far. Any other runs to its end: the
            # provider charges for all of it anyway, and an Idempotency-Key can still fetch it.
            ask.leave = request.watch()
        admitted = await admitted_call(context, ask)
        if isinstance(admitted, Replayed):
            return _replayed(dialect, admitted)
        if not isinstance(admitted, LiveCall):
            return refuse(dialect, request, admitted)
        try:
            reply = await self._opened(admitted)
        except BaseException:
            await admitted.close()
            raise
        self._live = admitted
        return reply

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            await self._live.close()

    async def _opened(self, live: LiveCall) -> Reply:
        context, dialect, request, ask = self._context, self._dialect, self._request, live.ask
        relay = await live.open(lambda entry, answer: _renderer(context, dialect, ask, entry, answer))
        if not isinstance(relay, Relay):
            return refuse(dialect, request, relay)
        if ask.call.stream:
            return self._streamed(live, relay)
        return await self._whole(live, relay)

    async def _whole(self, live: LiveCall, relay: Relay) -> Reply:
        body = await relay.whole()
        if not isinstance(body, bytes):
            return refuse(self._dialect, self._request, body)
        headers = [("content-type", relay.content_type), *self._call_headers(live)]
        settled = live.settlement.settled
        if settled is not None and settled.call is not None and settled.call.billed:
            headers.append(("x-aihub-charge", format_credits(settled.call.charge_nanos)))
        return Reply(status=200, headers=tuple(headers), body=body)

    def _streamed(self, live: LiveCall, relay: Relay) -> Reply:
        headers = (
            ("content-type", relay.content_type),
            ("cache-control", "no-cache"),
            # Proxies such as nginx would otherwise collect events before passing them on.
            ("x-accel-buffering", "no"),
            *self._call_headers(live),
        )
        # Only streams of events have a keep-alive chunk.
        keep_alive = self._dialect.keep_alive if relay.content_type.startswith("text/event-stream") else b""
        return Reply(status=200, headers=headers, body=relay.stream(), keep_alive=keep_alive, given=lambda: relay.given)

    def _call_headers(self, live: LiveCall) -> list[tuple[str, str]]:
        """The headers with the provider of the call, its cap on the output, and the times so far (milliseconds)."""
        served, answer = live.attempts.served, live.attempts.answer
        assert served is not None
        assert answer is not None
        ask, target = live.ask, served.candidate.target
        relayed = answer.headers  # A provider's own request-id stays: the SDK shows it for questions to the vendor.
        if live.rates:
            limits = rate_headers(self._dialect.name, live.rates, self._context.clock.now_ms())
            relayed = (*(header for header in relayed if not header[0].startswith(OF_PROVIDERS)), *limits)
        known = {name for name, _ in relayed}
        headers = [*relayed, *[(name, self._request.id) for name in self._dialect.id_headers if name not in known]]
        headers.append(("x-aihub-provider", target.provider))
        if ask.route is not None and ask.order is not None:
            headers.append(("x-aihub-route", brief(ask.route, ask.order, target, live.attempts.records)))
        headers.append(("server-timing", self._timing(live)))
        if served.bound is not None and served.bound.output_cap is not None:
            headers.append(("x-aihub-output-cap", str(served.bound.output_cap)))
        if served.bound is not None and served.bound.uses_cap is not None:
            headers.append(("x-aihub-tool-uses-cap", str(served.bound.uses_cap)))
        if dropped := served.candidate.served.dropped:
            headers.append(("x-aihub-dropped", header_value(dropped)))
        return headers

    def _timing(self, live: LiveCall) -> str:
        begun_us, planned_us, first_us = self._request.started_us, live.attempts.planned_us, live.attempts.first_us
        settlement = live.settlement
        settle, now_us = "", settlement.settled_us
        if settlement.settled is not None:
            settle = f"settle;dur={(now_us - first_us) / 1000:.3f}, "
        else:
            now_us = self._context.clock.monotonic_us()
        plan_us, provider_us, total_us = planned_us - begun_us, first_us - planned_us, now_us - begun_us
        return (
            f"plan;dur={plan_us / 1000:.3f}, provider;dur={provider_us / 1000:.3f}, "
            f"{settle}total;dur={total_us / 1000:.3f}"
        )


async def _ask_of(context: CallContext, dialect: CallerDialect, request: Request) -> Ask | Refusal:
    """The call in the request. Only a caller with a valid key gets an explanation of a bad body."""
    fingerprint = await fingerprint_of(context, request)
    if not isinstance(fingerprint, str):
        return fingerprint
    call = _read(dialect, request)
    idempotency_key = request.headers.get("idempotency-key") or None
    if idempotency_key is not None and len(idempotency_key) > IDEMPOTENCY_KEY_MAX:
        problem = f"The key is longer than {IDEMPOTENCY_KEY_MAX} characters. Send a shorter one, such as a UUID."
        call = BadRequest(field="Idempotency-Key", problem=problem)
    if isinstance(call, BadRequest):
        return await refusal_to(context, fingerprint, call)
    policy = _POLICIES.get(request.headers.get("x-aihub-unsupported", context.unsupported))
    if policy is None:
        problem = "Send `drop`, to leave out what a provider has no field for, or `refuse`."
        return await refusal_to(context, fingerprint, BadRequest(field="x-aihub-unsupported", problem=problem))
    rate_ids: tuple[str, ...] = ()
    if (quote_id := request.headers.get("x-aihub-quote")) is not None:
        basis = basis_of(context.vault, fingerprint, quote_id, call.model, context.clock.now_ms())
        if isinstance(basis, BadRequest):
            return await refusal_to(context, fingerprint, basis)
        rate_ids = basis.rate_ids
    relayed = tuple((name, request.headers[name]) for name in RELAYED_REQUEST_HEADERS if name in request.headers)
    if relayed:
        call = msgspec.structs.replace(call, relay_headers=relayed)
    return Ask(
        call_id=request.id,
        fingerprint=fingerprint,
        call=call,
        to_request=dialect.to_request,
        idempotency_key=idempotency_key,
        digest=_digest(request, call) if idempotency_key else "",
        rate_ids=rate_ids,
        unsupported=policy,
        traceparent=request.headers.get("traceparent"),
        tracestate=request.headers.get("tracestate"),
        origin=origin_of(request.headers, call.fields.get("metadata") if call.dialect == "anthropic" else None),
    )


def _read(dialect: CallerDialect, request: Request) -> ModelCall | BadRequest:
    content_type = request.headers.get("content-type", "")
    if dialect.read_form is not None and not content_type.lower().startswith(JSON):
        return dialect.read_form(request.body, content_type)
    call = dialect.read(request.body)
    if isinstance(call, BadRequest) and may_be_in(request.body):
        # Half an emoji at the end of a text that JavaScript has cut: no vendor could read it either.
        return dialect.read(without_lone(request.body))
    return call


def _digest(request: Request, call: ModelCall) -> str:
    """The digest of route and request. It ignores a form's boundary, which SDKs choose at random each time."""
    body = request.body if call.form is None else request.body.replace(b"--" + call.form.boundary, b"--")
    return hashlib.sha256(request.path.encode() + b"\n" + body).hexdigest()


def _renderer(context: CallContext, dialect: CallerDialect, ask: Ask, entry: Affordable, answer: Answer) -> Renderer:
    call, target = ask.call, entry.candidate.target
    if passes_through(call, target.dialect):
        content_type = _content_type(call, answer)
        return PassThrough(dialect, target.provider, content_type, lambda: _rendered(context, dialect, ask, entry))
    return _rendered(context, dialect, ask, entry)


def _rendered(
    context: CallContext, dialect: CallerDialect, ask: Ask, entry: Affordable
) -> RenderedWhole | RenderedStream:
    call, target = ask.call, entry.candidate.target
    rendering = Rendering(
        call_id=ask.call_id,
        created_s=context.clock.now_ms() // 1000,
        call=call,
        served=f"{target.provider}/{target.model}",
        rate=entry.candidate.served.rate if context.billed else None,
    )
    dialect = in_requested_form(dialect, ask.request)
    if call.stream:
        return RenderedStream(dialect, rendering, target.provider)
    return RenderedWhole(dialect, rendering)


def _content_type(call: ModelCall, answer: Answer) -> str:
    """The provider's content type, where several are possible; chat is JSON or a stream of events."""
    if call.kind.own_content_type and answer.content_type:
        return answer.content_type
    return EVENT_STREAM if call.stream else JSON


def _replayed(dialect: CallerDialect, made: Replayed) -> Reply:
    headers = (
        ("content-type", made.content_type),
        *((name, made.call_id) for name in dialect.id_headers),
        ("idempotent-replayed", "true"),
        ("x-aihub-charge", format_credits(made.charge_nanos)),
    )
    return Reply(status=made.status, headers=headers, body=made.body)
