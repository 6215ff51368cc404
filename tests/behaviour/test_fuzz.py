"""Thousands of requests that nobody meant, the same for every interface by their seeds.

Whatever comes: no 5xx of the hub's own, an error body that holds to the contract of `test_errors.py`, never a 2xx
without a key (G22), and books that add up afterwards with nothing held.
"""

import copy
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from entrypoints.server.requests import HEAD_BYTES_MAX
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import BALANCE, CHAT, MESSAGES, Response, anthropic_body, openai_body, wallet
from tests.behaviour.raw_connection import RawLine
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

BODIES, BYTES, STRANGERS, ROADS = 420, 220, 260, 220
# What a server says about HTTP itself before the hub receives of a request.
SERVERS_OWN = {400, 405, 414, 431, 501, 505}
GUARDED = (CHAT, MESSAGES, "/v1/models", "/v1/models/echo/echo", BALANCE)
MODELS = ("echo/echo", "echo", "oai/m", "ant/m", "m", "duplicate", "nope/m", "oai/unpriced")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SOURCE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


@pytest.fixture
def line(hub: HubProcess) -> Iterator[RawLine]:
    """A connection to the hub; afterwards nothing is held."""
    made = RawLine(hub.port)
    yield made
    made.close()
    assert "0" == wallet(hub)["held"]


def anything(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON value, mostly small."""
    kind = chance.randrange(9 if depth < 4 else 7)
    match kind:
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice([0, 1, -1, 7, 2**31, 2**31 + 1, 2**63, -(2**63), 10**40, 1_000_000])
        case 3:
            return chance.choice([0.5, -0.0, 1e-300, 1e300, 1.0])
        case 4:
            return "".join(chance.choices('aZ0 .\u0000\n"\\/ü🦉\u202e\ufffe', k=chance.randrange(6)))
        case 5:
            return chance.choice(["user", "text", "function", "auto", "tool_use", *MODELS])
        case 6:
            return "x" * chance.choice([0, 100, 5_000])
        case 7:
            return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            names = ("type", "text", "role", "content", "name", "id", "url", "function", "input", "source", "é")
            return {chance.choice(names): anything(chance, depth + 1) for _ in range(chance.randrange(4))}


def meant(chance: random.Random, path: str) -> dict[str, Any]:
    """A request somebody could have meant, with many features."""
    model = chance.choice(MODELS)
    if path == CHAT:
        body = openai_body(
            model, max_tokens=9, stream=chance.random() < 0.3, tools=[TOOL], temperature=1, n=1, stop=["."]
        )
        body["messages"] += [
            {"role": "assistant", "content": "x", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "y"},
            {"role": "user", "content": [{"type": "text", "text": "z"}, IMAGE]},
        ]  # fmt: skip
        return {**body, "response_format": {"type": "json_object"}, "tool_choice": "auto", "user": "u"}
    body = anthropic_body(model, max_tokens=9, stream=chance.random() < 0.3, system="s", temperature=1, top_p=1)
    body["messages"] += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "y"}, SOURCE]},
    ]
    body["tools"] = [{"name": "f", "input_schema": {"type": "object"}}]
    return {**body, "tool_choice": {"type": "auto"}, "metadata": {"user_id": "u"}, "stop_sequences": ["."]}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container inside a value with every key or index of it."""
    found: list[tuple[Any, Any]] = []
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found += [(value, key), *places(value[key])]
    return found


def mutated(chance: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    """The body with one to three places changed, removed or doubled."""
    body = copy.deepcopy(body)
    for _ in range(chance.randrange(1, 4)):
        found = places(body)
        if not found:
            break
        container, key = chance.choice(found)
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.insert(key, anything(chance))
            case 1:
                container["".join(chance.choices(string.ascii_lowercase, k=3))] = anything(chance)
            case _:
                container[key] = anything(chance)
    return body


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Bytes with a few flipped, cut off, inserted or repeated."""
    damage = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(damage) + 1)
        match chance.randrange(4):
            case 0:
                damage[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del damage[at:]
            case 2:
                damage[at:at] = chance.choice([b"{", b"[" * 3_000, b'"', b"\\u", b"\xff", b"\x00", b",", b"1e999"])
            case _:
                damage[at:at] = damage[: chance.randrange(20)]
    return bytes(damage)


def bearer(key: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {key}".encode()


def check(received: Response | None, path: str) -> None:
    """An answer to a request that was proper HTTP: a success, or an error by the contract that is not the hub's."""
    assert received is not None, "the server closed the connection"
    assert received.status < 500, received
    if received.status >= 400 and received.header("x-aihub-provider") is None:
        check_error(received, path)
    elif received.status >= 400:  # The provider's own body, or one that words what the provider said.
        assert received.json()["error"]["message"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_bodies_that_nobody_meant(hub: HubProcess, line: RawLine, path: str) -> None:
    chance = random.Random(f"bodies {path}")
    served = 0
    for _ in range(BODIES):
        body = anything(chance) if chance.random() < 0.1 else mutated(chance, meant(chance, path))
        received = line.ask(b"POST", path.encode(), [bearer(hub.key)], json.dumps(body).encode())
        check(received, path)
        served += received is not None and received.status == 200

    assert 20 < served < BODIES - 100, "most are wrong, and some are right by chance"


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_bytes_that_nobody_meant(hub: HubProcess, line: RawLine, path: str) -> None:
    chance = random.Random(f"bytes {path}")
    for _ in range(BYTES):
        proper = json.dumps(meant(chance, path), ensure_ascii=chance.random() < 0.5).encode()
        body = chance.randbytes(chance.randrange(200)) if chance.random() < 0.2 else damaged(chance, proper)
        types = [b"application/json", b"text/plain", b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"", b"\xff"]  # fmt: skip
        headers = [bearer(hub.key), (b"content-type", chance.choice(types)), (b"content-encoding", b"identity")]

        check(line.ask(b"POST", path.encode(), headers, body), path)


def key_like(chance: random.Random, key: str) -> str:
    """Something that is near the key and is not it."""
    at = chance.randrange(len(key))
    near = [
        key[:at],
        key[at + 1 :],
        key[:at] + chance.choice("xyzXYZ") + key[at:],
        key[:at] + ("A" if key[at] != "A" else "B") + key[at + 1 :],
        key.swapcase(),
        key[::-1],
        key + key,
        "".join(chance.choices(string.printable.strip(), k=chance.randrange(60))),
        "' OR 1=1 --",
        "*",
        "null",
        "undefined",
    ]
    return chance.choice([text for text in near if text.strip() != key])


def misplaced(chance: random.Random, key: str) -> list[tuple[bytes, bytes]]:
    """The true key where it does not count."""
    places = [
        [("authorization", f"Basic {key}")],
        [("authorization", f"Bearer{key}")],
        [("authorization", f"Token {key}")],
        [("proxy-authorization", f"Bearer {key}")],
        [("x-auth-token", key)],
        [("cookie", f"authorization=Bearer {key}; api_key={key}")],
        [("x-forwarded-authorization", f"Bearer {key}")],
        [("authorization", f"Bearer x{key}")],
        [("x-api-key", f"Bearer {key}")],
        [("x-api-key", f"{key},")],
        [("api_key", key)],
    ]
    return [(name.encode(), value.encode()) for name, value in chance.choice(places)]


def test_headers_without_the_key_never_open_anything(hub: HubProcess, stub: Stub, line: RawLine) -> None:
    """G22."""
    chance = random.Random("strangers")
    schemes = (b"Bearer ", b"bearer ", b"BEARER  ", b"Basic ", b"", b"Bearer", b"Digest ", b"\xff ")
    for _ in range(STRANGERS):
        path = chance.choice(GUARDED)
        if chance.random() < 0.3:
            headers = misplaced(chance, hub.key)
        else:
            word = key_like(chance, hub.key).encode("latin-1", "replace")
            headers = [
                (b"authorization", chance.choice(schemes) + word),
                (b"x-api-key", key_like(chance, hub.key).encode("latin-1", "replace")),
            ][chance.randrange(2) :][: chance.randrange(3)]
        noise = bytes(chance.choices(range(0x21, 0xFF), k=chance.randrange(30))).replace(b"\x7f", b"")
        headers = [(name, value.replace(b"\x7f", b"")) for name, value in headers] + [(b"x-noise", noise)]
        query = chance.choice([b"", b"?api_key=" + hub.key.encode(), b"?key=" + hub.key.encode() + b"&x"])
        body = None if path not in (CHAT, MESSAGES) else json.dumps(meant(chance, path)).encode()

        received = line.ask(b"GET" if body is None else b"POST", path.encode() + query, headers, body)

        assert received is not None
        assert received.status in (400, 401), (received, headers)
        if received.status == 401:
            check_error(received, path)
    assert [] == stub.requests


def of_messages(road: str) -> bool:
    """Whether a road leads to Anthropic's messages, or would if it went on: with needless slashes, or without `/v1`."""
    steps = [step for step in unquote(road).split("/") if step]
    while steps[:1] == ["v1"] or steps[:2] == ["api", "v1"]:
        steps = steps[1:]
    return steps[:1] == ["messages"]


def test_roads_that_nobody_built(hub: HubProcess, line: RawLine) -> None:
    chance = random.Random("roads")
    methods = (
        b"GET",
        b"POST",
        b"PUT",
        b"DELETE",
        b"PATCH",
        b"HEAD",
        b"OPTIONS",
        b"BREW",
        b"get",
        b"PROPFIND",
        b"QUERY",
    )
    steps = ("v1", "chat", "completions", "messages", "models", "..", ".", "", "%2e%2e", "%00", "%ff", "ü", "a" * 300,
             "api", "user", "healthz", "{model}", "echo", "%2f", "a:b", "*", "'", "\u202e")  # fmt: skip
    for _ in range(ROADS):
        road = "/" + "/".join(chance.choices(steps, k=chance.randrange(6)))
        target = road.encode() + chance.choice([b"", b"?", b"?a=%zz&&=", b"?a[]=1;b"])
        body = chance.choice([None, b"", b"{}", json.dumps(openai_body("echo/echo")).encode()])
        version = [(b"anthropic-version", b"2023-06-01")] if chance.random() < 0.2 else []
        method = chance.choice(methods)

        received = line.ask(method, target, [bearer(hub.key), *version], body)

        assert received is not None
        if received.header("x-request-id") is None:
            assert received.status in SERVERS_OWN | {200}, received
            assert received.status != 200 or method == b"OPTIONS"
        elif received.status >= 400 and method != b"HEAD":
            assert received.status < 500, received
            dialect = MESSAGES if version or of_messages(road) else CHAT
            check_error(received, dialect)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: (b"x-" + b"h" * n, b"v"),
        lambda n: (b"x-long", b"v" * n),
        lambda n: (b"authorization", b"Bearer " + b"k" * n),
        lambda n: (b"idempotency-key", b"k" * n),
    ],
    ids=["name", "value", "key", "idempotency key"],
)
def test_headers_without_end_are_refused(
    hub: HubProcess, line: RawLine, make: Callable[[int], tuple[bytes, bytes]]
) -> None:
    for size in (1_000, 10_000, 60_000, 200_000):
        received = line.ask(b"GET", b"/v1/models", [make(size)], None)

        assert received is None or received.status in (400, 401, 431), received


def test_a_head_that_fits_in_the_buffer_is_read_and_none_of_twice_its_size(hub: HubProcess, line: RawLine) -> None:
    sizes = (HEAD_BYTES_MAX - 1_000, 2 * HEAD_BYTES_MAX)
    fits, larger = (line.ask(b"GET", b"/healthz", [(b"x-long", b"v" * size)], None) for size in sizes)

    assert fits is not None
    assert fits.status == 200
    assert larger is None or larger.status == 431
