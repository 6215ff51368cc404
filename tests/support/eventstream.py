"""AWS's event stream as naively as a test may write and read it, to hold the framing against.

A message is: its length, its headers' length, a checksum of those two, headers, payload, a checksum of all before.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; every header is text."""
    written = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + written + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(name: str, **fields: Any) -> bytes:
    """An event of ConverseStream; `p` is the padding that Bedrock puts into every one."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return message(headers, json.dumps({**fields, "p": "abcdef"}).encode())


def exception(name: str, said: str) -> bytes:
    """Why the stream breaks off."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, json.dumps({"message": said}).encode())


def read(stream: bytes) -> list[tuple[dict[str, str], bytes]]:
    """The messages of a whole stream; it believes every length and checks nothing."""
    found = []
    while stream:
        total, headers_length = struct.unpack(">II", stream[:8])
        rest, headers = stream[12 : 12 + headers_length], {}
        while rest:
            name = rest[1 : 1 + rest[0]].decode()
            (size,) = struct.unpack(">H", rest[2 + rest[0] : 4 + rest[0]])
            headers[name] = rest[4 + rest[0] : 4 + rest[0] + size].decode()
            rest = rest[4 + rest[0] + size :]
        found.append((headers, stream[12 + headers_length : total - 4]))
        stream = stream[total:]
    return found


def answer(*blocks: dict[str, Any], stop: str = "end_turn", usage: dict[str, Any] | None = None) -> bytes:
    """A stream that tells the blocks of a whole answer, in pieces of five characters."""
    reported = [event("messageStart", role="assistant")]
    for index, block in enumerate(blocks):
        reported += streamed_block(index, block)
    reported.append(event("messageStop", stopReason=stop))
    counted = usage or {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
    reported.append(event("metadata", usage=counted, metrics={"latencyMs": 1}))
    return b"".join(reported)


def streamed_block(index: int, block: dict[str, Any], size: int = 5) -> list[bytes]:
    """One block as its start, its deltas and its stop."""

    def deltas(text: str, *path: str) -> list[bytes]:
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        return [event("contentBlockDelta", contentBlockIndex=index, delta=_nested(path, piece)) for piece in pieces]

    reported: list[bytes] = []
    match block:
        case {"text": str(text)}:
            reported = deltas(text, "text")
        case {"toolUse": {"input": given, **head}}:
            spelled = json.dumps(given) if given else ""
            reported = [event("contentBlockStart", contentBlockIndex=index, start={"toolUse": head})]
            reported += deltas(spelled, "toolUse", "input")
        case {"toolResult": {"content": content, **head}}:
            reported = [event("contentBlockStart", contentBlockIndex=index, start={"toolResult": head})]
            reported += [
                event("contentBlockDelta", contentBlockIndex=index, delta={"toolResult": [one]}) for one in content
            ]
        case {"reasoningContent": {"reasoningText": thought}}:
            reported = deltas(thought["text"], "reasoningContent", "text")
            if thought.get("signature"):
                signed = {"reasoningContent": {"signature": thought["signature"]}}
                reported.append(event("contentBlockDelta", contentBlockIndex=index, delta=signed))
        case {"citationsContent": cited}:
            reported = deltas("".join(part["text"] for part in cited["content"]), "text")
            for one in cited["citations"]:
                reported.insert(0, event("contentBlockDelta", contentBlockIndex=index, delta={"citation": one}))
            reported[: len(cited["citations"])] = reversed(reported[: len(cited["citations"])])
        case _:
            reported = [event("contentBlockDelta", contentBlockIndex=index, delta=block)]
    return [*reported, event("contentBlockStop", contentBlockIndex=index)]


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value
