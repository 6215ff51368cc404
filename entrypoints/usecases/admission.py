"""Admitting a call: route it, plan it against the books, and wait for a twin where there is one.

The catalogue in memory may be a version behind. Whatever it makes of a call, a refusal is only given after it was
compared with the books, and a plan is only made at the version that the books have: so what an operator changes
holds for the next call in every process.
"""

from collections.abc import Callable, Sequence

import anyio
import msgspec

from domain.books import Call
from domain.calls import ModelCall
from domain.catalog import Catalog, Served, serving
from domain.chat import ModelRequest
from domain.management import Actor, deactivate_credential
from domain.plan import Asked, Plan, Planned, Refused, Replay, Stale, Twin, plan_call
from domain.quotes import quoted
from domain.refusals import BadRequest, Busy, InvalidKey, NoCredential, Refusal, Unexpressible
from domain.routing import Candidate, candidates, providers_of
from domain.scopes import CallScope, CredentialScope
from domain.sweep import GRACE_MS
from domain.vendors import spoken
from entrypoints.usecases.hub import Hub
from entrypoints.usecases.upkeep import sweep
from ports.storage import StorageUnavailable

# A call may go on for long after its provider was last silent; its hold is given back at the latest after this many
# times the silence that is allowed.
DEADLINE_SILENCES = 6
TWIN_POLL_S = 0.05


class Ask:
    """A call that asks to be made: the key's fingerprint, what was asked, and how to say it in canonical words.

    `rate_ids` are those of the quote that it names: it is sold at one of them or not at all.
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
    ) -> None:
        self.call_id = call_id
        self.fingerprint = fingerprint
        self.call = call
        self.idempotency_key = idempotency_key
        self.digest = digest
        self.rate_ids = rate_ids
        self.request: ModelRequest | None = None
        self._to_request = to_request

    def translate(self) -> ModelRequest | BadRequest:
        """The call in canonical words, read once and only for a provider of another dialect."""
        if self.request is None:
            request = self._to_request(self.call)
            if isinstance(request, BadRequest):
                return request
            self.request = request
        return self.request


async def admit(hub: Hub, ask: Ask) -> Plan | Replay | Refusal:
    """Hold credit for the call, or say why not. Nothing is held unless a Plan is returned."""
    try:
        catalog = await hub.catalog()
        while True:
            found = _route(hub, ask, catalog)
            if not isinstance(found, tuple):
                newer = await hub.catalog_anew()
                if newer.version == catalog.version:
                    return await with_valid_key(hub, ask, found)
                catalog = newer
                continue
            planned = await _plan(hub, ask, catalog, found)
            match planned:
                case Stale():
                    catalog = await hub.catalog_anew()
                case Twin():
                    await _ending_of(hub, planned.call)
                case Refused():
                    return planned.refusal
                case Plan() | Replay():
                    return planned
    except StorageUnavailable as problem:
        return Busy(reason=str(problem))


async def deactivate(hub: Hub, credential_id: str, error: str) -> None:
    """Put a credential that its provider rejected out of use, for every process. Best effort: the call goes on."""
    actor = Actor(name="hub", now_ms=hub.clock.now_ms(), audit_id=hub.ids.new("audit"))
    try:
        await hub.storage.decide(
            CredentialScope(credential_id=credential_id),
            lambda credential: deactivate_credential(credential, actor, credential_id, error),
        )
    except StorageUnavailable:
        return


async def who_could_serve(hub: Hub, ask: Ask) -> tuple[Candidate, ...] | Refusal:
    """The candidates for the call by the books as they are now, or why there are none. Nothing is held."""
    return _route(hub, ask, await hub.catalog_anew())


def _route(hub: Hub, ask: Ask, catalog: Catalog) -> tuple[Candidate, ...] | Refusal:
    """The candidates for the call, in order, or why there are none. Takes a turn in the rotations."""
    now_ms = hub.clock.now_ms()
    offers = serving(catalog, ask.call.model, hub.billed, now_ms)
    if not isinstance(offers, list):
        return offers
    if ask.rate_ids:
        offers = quoted(catalog, offers, ask.rate_ids)
        if not offers:
            problem = "What was quoted is not sold any more: ask for a new quote with POST /v1/quote."
            return BadRequest(field="x-aihub-quote", problem=problem)
    able = _expressible(hub, ask, offers)
    if not isinstance(able, list):
        return able
    hub.advice, found = candidates(catalog, hub.advice, ask.call.model, able, now_ms)
    return found or NoCredential(model=ask.call.model, providers=providers_of(able))


def _expressible(hub: Hub, ask: Ask, offers: Sequence[Served]) -> list[Served] | Refusal:
    """The offers whose dialect has words for all that is asked; the first lack if there is none."""
    able: list[Served] = []
    lack: Refusal | None = None
    for offer in offers:
        dialect = spoken(offer.provider.name, offer.provider.base_url, offer.provider.dialect, ask.call, offer.model)
        refused = _refused(hub, ask, offer, dialect)
        if isinstance(refused, BadRequest):
            return refused
        if refused is not None:
            lack = lack or msgspec.structs.replace(refused, model=ask.call.model)
        elif dialect == offer.provider.dialect:
            able.append(offer)
        else:
            able.append(msgspec.structs.replace(offer, dialect=dialect))
    return able or lack or []


def _refused(hub: Hub, ask: Ask, offer: Served, dialect: str | None) -> Unexpressible | BadRequest | None:
    """Why the offer cannot serve the call in that dialect, or None if it can. The caller's own says everything."""
    if dialect == ask.call.dialect:
        return None
    if dialect is None:
        return Unexpressible(field=ask.call.operation, dialect=offer.provider.dialect)
    request = ask.translate()
    if isinstance(request, BadRequest):
        return request
    # What a model can be told may depend on the model itself, not on the caller's name for it.
    return hub.providers.refuses(dialect, msgspec.structs.replace(request, model=offer.model))


async def _plan(hub: Hub, ask: Ask, catalog: Catalog, found: tuple[Candidate, ...]) -> Planned:
    now_ms = hub.clock.now_ms()
    asked = Asked(
        call_id=ask.call_id,
        call=ask.call,
        version=catalog.version,
        candidates=found,
        billed=hub.billed,
        owner=hub.liveness.own(),
        deadline_ms=now_ms + DEADLINE_SILENCES * hub.upstream_timeout_ms,
        digest=ask.digest,
        idempotency_key=ask.idempotency_key,
        payment_link=hub.payment_link,
    )
    scope = CallScope(fingerprint=ask.fingerprint, idempotency_key=ask.idempotency_key)
    if not ask.call.stream:
        return await hub.storage.decide(scope, lambda facts: plan_call(facts, asked, now_ms))
    # A hold that is being written must reach somebody who will settle it, so a hang-up waits for the answer. (Only
    # what streams is cancelled by a hang-up.)
    with anyio.CancelScope(shield=True):
        planned: Planned = await hub.storage.decide(scope, lambda facts: plan_call(facts, asked, now_ms))
    return planned


async def with_valid_key(hub: Hub, ask: Ask, refusal: Refusal) -> Refusal:
    """The refusal, unless the key itself is invalid: a stranger learns nothing about the models."""
    caller = await hub.storage.caller(ask.fingerprint)
    if caller is None or caller[0].revoked_ms is not None:
        return InvalidKey(revoked=caller is not None)
    return refusal


async def _ending_of(hub: Hub, twin: Call) -> None:
    """Wait until the twin has ended; a twin whose process is gone is swept, so that nobody waits for the dead."""
    while True:
        now = await hub.storage.call(twin.id)
        if now is None or now.ending is not None:
            return
        if hub.liveness.is_gone(now.owner) or hub.clock.now_ms() > now.deadline_ms + GRACE_MS:
            await sweep(hub.storage, hub.liveness, hub.clock)
            return
        await anyio.sleep(TWIN_POLL_S)
