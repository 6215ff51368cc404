"""Which credential a conversation stays on while a prompt cache is warm there.

Providers keep the beginning of a prompt for some minutes and ask less for reading it again, but only of the same
account. It is advice: losing it costs a cache read. A cool-down has precedence, and the number of conversations is
bounded.
"""

import hashlib
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from domain.model_api.call import ModelCall

MINUTE_MS = 60_000
WARM_MS = 5 * MINUTE_MS
WARM_LONG_MS = 60 * MINUTE_MS
# Prompts of fewer than 1,024 tokens are not cached by OpenAI ("Prompt caching: structuring prompts") nor by Anthropic
# ("Prompt caching: cache limitations"): shorter ones are spread by weight.
CACHED_BYTES_MIN = 4 * 1_024
_OPENING_BYTES_MAX = 8 * 1_024
_SHARDS = 64
_SHARD_MAX = 64

_HOUR_MARK = b'"1h"'
_MARKED_FIELDS = ("cache_control", "system", "tools", "messages")


class Affinity(msgspec.Struct, frozen=True, kw_only=True):
    """The target that served a conversation last, and until when its cache is probably warm."""

    target: str
    until_ms: int


# In shards, so that storing one conversation copies a few dozen entries and not all.
Affinities: TypeAlias = tuple[Mapping[str, Affinity], ...]
NO_AFFINITIES: Affinities = ({},) * _SHARDS


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation by a hash that stays the same while it grows, and for how long its cache stays warm."""

    key: str
    warm_ms: int


class _Turn(msgspec.Struct, frozen=True):
    role: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    user_id: str | None = None


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_TURN = msgspec.json.Decoder(_Turn)
_METADATA = msgspec.json.Decoder(_Metadata)


def conversation(call: ModelCall, caller: str) -> Conversation | None:
    """The conversation that the call is a turn of; None if no provider would keep a prompt as short as this.

    `caller` distinguishes callers. The conversation is identified by the caller's own `prompt_cache_key` (OpenAI) or
    `metadata.user_id` (Anthropic), else by its beginning up to the user's first message, which every later turn
    repeats.
    """
    named = _text(call.fields.get("prompt_cache_key"))
    if named is None and call.body_bytes < CACHED_BYTES_MIN:
        return None
    digest = hashlib.sha256(f"{caller}\n{call.model}\n".encode())
    for part in (named,) if named is not None else _user(call) or _opening(call):
        digest.update(part[:_OPENING_BYTES_MAX] + b"\n")
    marked = any(_HOUR_MARK in bytes(call.fields[name]) for name in _MARKED_FIELDS if name in call.fields)
    return Conversation(key=digest.hexdigest(), warm_ms=WARM_LONG_MS if marked else WARM_MS)


def affinity_of(affinities: Affinities, key: str, now_ms: int) -> str | None:
    """The target that the conversation stays with, or None if nothing is warm."""
    affinity = _shard(affinities, key).get(key)
    return affinity.target if affinity is not None and now_ms < affinity.until_ms else None


def with_affinity(affinities: Affinities, what: Conversation, target: str, now_ms: int) -> Affinities:
    """The conversation stays with `target` from now on; beyond the bound, the oldest entry is removed."""
    shard = dict(_shard(affinities, what.key))
    shard.pop(what.key, None)
    shard[what.key] = Affinity(target=target, until_ms=now_ms + what.warm_ms)
    if len(shard) > _SHARD_MAX:
        del shard[next(iter(shard))]
    place = _place(what.key)
    return (*affinities[:place], shard, *affinities[place + 1 :])


def _place(key: str) -> int:
    return int(key[:4], 16) % _SHARDS


def _shard(affinities: Affinities, key: str) -> Mapping[str, Affinity]:
    return affinities[_place(key)]


def _text(raw: msgspec.Raw | None) -> bytes | None:
    text = b"" if raw is None else bytes(raw)
    return None if text in (b"", b"null", b'""') else text


def _user(call: ModelCall) -> tuple[bytes, ...]:
    try:
        metadata = _METADATA.decode(call.fields["metadata"])
    except (KeyError, msgspec.MsgspecError):
        return ()
    return (metadata.user_id.encode(),) if metadata.user_id else ()


def _opening(call: ModelCall) -> tuple[bytes, ...]:
    """The conversation before the first answer: system prompts and the user's first message."""
    parts = [text for name in ("system", "instructions") if (text := _text(call.fields.get(name))) is not None]
    conversation_text = _text(call.fields.get("messages")) or _text(call.fields.get("input")) or b""
    try:
        turns = _RAWS.decode(conversation_text)
        for turn in turns:
            parts.append(bytes(turn))
            if _TURN.decode(turn).role == "user":
                break
    except msgspec.MsgspecError:  # one text, or something that only the provider understands
        parts.append(conversation_text)
    return tuple(parts)
