"""What the hub has learned from its own calls: rotation, cool-downs, latencies, session affinities.

`Advice` is one frozen value, replaced and never changed. Losing it changes no charge: it only orders the candidates.
Every part is bounded, and the oldest entries are removed first.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from domain.failures import Failure
from domain.model_api.call import Target
from domain.routing.affinity import NO_AFFINITIES, Affinities, Conversation, with_affinity
from domain.routing.cooldown import CoolDown, after_failure

REMEMBERED_MAX = 4_096
# A new first byte moves the estimate by an eighth, as TCP's round-trip estimate does (RFC 6298).
LATENCY_SHARE = 8

Turns = Mapping[str, int]
_V = TypeVar("_V")


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Turns by rotation; cool-downs by `provider/model` and credential id; first bytes in microseconds; affinities.

    `first_byte_us` is kept by `latency_of`: a whole answer comes later than the first word of a streamed one.
    """

    turns: Mapping[str, Turns] = {}
    cooling: Mapping[str, CoolDown] = {}
    first_byte_us: Mapping[str, int] = {}
    affinities: Affinities = NO_AFFINITIES


def latency_of(provider: str, model: str, stream: bool) -> str:
    """The key under which a model's first-byte time is kept."""
    return f"{provider}/{model}" if stream else f"{provider}/{model} whole"


def identity(target: Target) -> str:
    """What distinguishes a target from all others: provider, model and credential."""
    return f"{target.provider}/{target.model} {target.credential_id or ''}"


def took_turns(advice: Advice, taken: Mapping[str, Turns]) -> Advice:
    """The advice after these rotations have advanced."""
    if not taken:
        return advice
    turns = advice.turns
    for key, after in taken.items():
        turns = _remembering(turns, key, after)
    return msgspec.structs.replace(advice, turns=turns)


def learned_failure(advice: Advice, target: Target, failure: Failure, now_ms: int) -> Advice:
    """The advice after a failure: the provider's model cools down, or only the credential if it was overloaded."""
    if failure.kind == "request_rejected":
        return advice
    by_credential = failure.kind in ("overloaded", "credential_rejected") and target.credential_id
    what = target.credential_id if by_credential and target.credential_id else f"{target.provider}/{target.model}"
    cooled = after_failure(advice.cooling.get(what), now_ms, failure.retry_after_ms)
    return msgspec.structs.replace(advice, cooling=_remembering(advice.cooling, what, cooled))


def learned_success(advice: Advice, target: Target) -> Advice:
    """The advice after an answer: its target no longer cools down."""
    served_by = {f"{target.provider}/{target.model}", target.credential_id}
    if served_by.isdisjoint(advice.cooling):
        return advice
    cooling = {k: v for k, v in advice.cooling.items() if k not in served_by}
    return msgspec.structs.replace(advice, cooling=cooling)


def learned_first_byte(advice: Advice, target: Target, stream: bool, took_us: int) -> Advice:
    """The advice after a first byte: a moving average in whole microseconds."""
    key = latency_of(target.provider, target.model, stream)
    before = advice.first_byte_us.get(key)
    after = took_us if before is None else before + (took_us - before) // LATENCY_SHARE
    return msgspec.structs.replace(advice, first_byte_us=_remembering(advice.first_byte_us, key, after))


def learned_conversation(advice: Advice, what: Conversation, target: Target, now_ms: int) -> Advice:
    """The advice after a turn of a conversation: its next one finds a warm cache at the same target."""
    return msgspec.structs.replace(advice, affinities=with_affinity(advice.affinities, what, identity(target), now_ms))


def _remembering(known: Mapping[str, _V], key: str, value: _V) -> dict[str, _V]:
    """The mapping with one more entry, the newest last; beyond the bound the oldest is removed."""
    after = {k: v for k, v in known.items() if k != key} if key in known else dict(known)
    after[key] = value
    if len(after) > REMEMBERED_MAX:
        del after[next(iter(after))]
    return after
