"""Which provider and which credential is tried, in which order, and what follows a failure.

Pure functions of the catalogue, the advice, the request and the failures so far; chance comes in as a value.
`Advice` is one frozen value, replaced and never changed, and harmless to lose.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from domain.books import Credential
from domain.calls import Target
from domain.catalog import Catalog, Served
from domain.failures import Failure
from domain.health import CoolDown, after_failure, is_cooling
from domain.vendors import VENDORS

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 8_000
# A provider that asks for a longer pause is not waited for: its failure goes to the caller, who is told when.
RETRY_AFTER_MAX_MS = 20_000

Turns = Mapping[str, int]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Whose turn it is, by rotation, and who is cooling down, by `provider/model` and by credential id."""

    turns: Mapping[str, Turns] = {}
    cooling: Mapping[str, CoolDown] = {}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One way to make the call: the target, and the provider's offer that it belongs to."""

    target: Target
    served: Served


def next_turn(turns: Turns, weights: Mapping[str, int]) -> tuple[dict[str, int], str]:
    """Smooth weighted round robin: the next member, and the turns after it.

    Every member gains its weight, the foremost is chosen and pays the total. Over a cycle as long as the sum of
    the weights each is chosen exactly its weight's times; a member may run several turns behind in between.
    """
    gained = {member: turns.get(member, 0) + weight for member, weight in weights.items()}
    chosen = max(gained, key=lambda member: gained[member])
    gained[chosen] -= sum(weights.values())
    return gained, chosen


def candidates(
    catalog: Catalog, advice: Advice, model: str, offers: Sequence[Served], now_ms: int
) -> tuple[Advice, tuple[Candidate, ...]]:
    """All ways to make the call, in the order to try them, and the advice after this turn.

    Providers rotate; within a provider its active credentials rotate by weight. What is cooling down goes last.
    """
    if len(offers) == 1:
        held = _credentials(catalog, offers[0])
        if held is not None and len(held) < 2:  # Nobody to take turns with, as in most hubs for most models.
            return advice, (_candidate(offers[0], held[0] if held else None),)
    callable_offers = {offer.provider.name: offer for offer in offers if _credentials(catalog, offer) is not None}
    if not callable_offers:
        return advice, ()
    turns = dict(advice.turns)
    order = _rotation(turns, f"model:{model}", dict.fromkeys(callable_offers, 1))
    ranked: list[tuple[bool, Candidate]] = []
    for name in order:
        offer = callable_offers[name]
        offer_cools = is_cooling(advice.cooling.get(f"{name}/{offer.model}"), now_ms)
        credentials = {credential.id: credential for credential in _credentials(catalog, offer) or ()}
        if not credentials:
            ranked.append((offer_cools, _candidate(offer, None)))
            continue
        weights = {credential.id: credential.weight for credential in credentials.values()}
        for credential_id in _rotation(turns, f"provider:{name}", weights):
            cools = offer_cools or is_cooling(advice.cooling.get(credential_id), now_ms)
            ranked.append((cools, _candidate(offer, credentials[credential_id])))
    ranked.sort(key=lambda entry: entry[0])
    return Advice(turns=turns, cooling=advice.cooling), tuple(candidate for _, candidate in ranked)


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Try the candidate at `index` after `wait_ms`."""

    index: int
    wait_ms: int


def next_attempt(
    candidate_list: Sequence[Candidate],
    failures: Sequence[tuple[int, Failure]],
    retries_max: int,
    left_ms: int,
    chance: int,
) -> Retry | None:
    """What to try after these failures (candidate index, failure), or None to give up.

    Somebody untried is tried at once; when all were tried, those that may recover are tried again after the pause
    that they asked for, or full jitter: `chance` is a random number up to `BACKOFF_MAX_MS`. A rejected credential
    is not tried again and costs no retry. A rejected request is the caller's own and is never tried elsewhere.
    """
    last = failures[-1][1]
    if last.kind == "request_rejected" or left_ms <= 0:
        return None
    spent = sum(1 for _, failure in failures if failure.kind != "credential_rejected")
    if spent > retries_max:
        return None
    tried = {index for index, _ in failures}
    for index in range(len(candidate_list)):
        if index not in tried:
            return Retry(index=index, wait_ms=0)
    rejected = {index for index, failure in failures if failure.kind == "credential_rejected"}
    again = next((index for index, _ in failures[-len(tried) :] if index not in rejected), None)
    if again is None:
        return None
    asked_ms = next((f.retry_after_ms for i, f in reversed(failures) if i == again), None)
    backoff_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << spent)
    wait_ms = asked_ms if asked_ms is not None else chance % (backoff_ms + 1)
    if wait_ms > RETRY_AFTER_MAX_MS or wait_ms >= left_ms:
        return None
    return Retry(index=again, wait_ms=wait_ms)


def learned_failure(advice: Advice, target: Target, failure: Failure, now_ms: int) -> Advice:
    """The advice after a failure: the provider's model cools down, or only the credential if it was overloaded."""
    if failure.kind == "request_rejected":
        return advice
    by_credential = failure.kind in ("overloaded", "credential_rejected") and target.credential_id
    what = target.credential_id if by_credential and target.credential_id else f"{target.provider}/{target.model}"
    cooled = after_failure(advice.cooling.get(what), now_ms, failure.retry_after_ms)
    return Advice(turns=advice.turns, cooling={**advice.cooling, what: cooled})


def learned_success(advice: Advice, target: Target) -> Advice:
    """The advice after an answer: what served it is warm again."""
    served_by = {f"{target.provider}/{target.model}", target.credential_id}
    if served_by.isdisjoint(advice.cooling):
        return advice
    return Advice(turns=advice.turns, cooling={k: v for k, v in advice.cooling.items() if k not in served_by})


def _rotation(turns: dict[str, Turns], key: str, weights: Mapping[str, int]) -> list[str]:
    """The member whose turn it is, then the others as their turns would come; takes the turn."""
    if len(weights) == 1:
        return list(weights)
    turns[key], first = next_turn(turns.get(key, {}), weights)
    after = turns[key]
    return [first, *sorted((m for m in weights if m != first), key=lambda m: -(after[m] + weights[m]))]


def _credentials(catalog: Catalog, offer: Served) -> tuple[Credential, ...] | None:
    """The active credentials to call with; empty if none is needed, None if one is needed and none is active."""
    held = catalog.credentials.get(offer.provider.name, ())
    active = tuple(credential for credential in held if credential.active)
    vendor = VENDORS.get(offer.provider.name)
    needed = bool(held) or (vendor is not None and vendor.needs_credential)
    return None if needed and not active else active


def _candidate(offer: Served, credential: Credential | None) -> Candidate:
    return Candidate(
        target=Target(
            provider=offer.provider.name,
            dialect=offer.dialect or offer.provider.dialect,
            base_url=offer.provider.base_url,
            model=offer.model,
            credential_id=credential.id if credential else None,
            sealed=credential.sealed if credential else None,
        ),
        served=offer,
    )


def providers_of(offers: Iterable[Served]) -> tuple[str, ...]:
    """The names of the providers behind the offers."""
    return tuple(offer.provider.name for offer in offers)
