"""Secrets stay secret (G23): canaries are planted wherever one can enter, and everything that leaves is scanned.

Planted: a provider's keys, the owner's key, a caller's key, the master key, and the words of prompts and answers. The
providers of these tests are indiscreet: they repeat the key they were shown in bodies, headers and broken streams.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from tests.behaviour.conftest import RATE, People
from tests.behaviour.plain_calls import BALANCE, CHAT, MESSAGES, Response, ask, body_for
from tests.behaviour.stub import Stub, credential_of
from tests.behaviour.stub_answers import openai_chunk, openai_stream, openai_whole
from tests.support.hub import HubProcess
from tests.support.provider import Handler, Received, Reply

PROMPT, ANSWER = "canary-of-a-prompt-5f1d", "canary-of-an-answer-c07e"
NAME = "indiscreet"
SECRETS = tuple(f"sk-indiscreet-canary-{n}/{n}{n}-x9Yz" for n in range(6))


def test_no_secret_is_ever_seen_again(hub: HubProcess, stub: Stub, people: People, tmp_path: Path) -> None:
    stub.knows(NAME, *SECRETS)
    hub.script(
        ["provider", "add", NAME, "--dialect", "openai", "--base-url", stub.url(NAME)],
        ["rate", "set", f"{NAME}/m", *RATE],
        *([f"secret={secret}", "credential", "add", NAME] for secret in SECRETS),
    )
    received = [*_provoked(hub, stub), *_strangers(hub, people)]
    assert {200, 400, 401, 404, 429, 502} <= {answer.status for answer in received}
    assert {request.path.split("/")[1] for request in stub.requests} == {NAME}

    backup = tmp_path / "backup.db"
    call_ids = [str(answer.header("x-request-id")) for answer in received if answer.status != 401]
    shown = _shown(hub, call_ids, backup)
    places = {
        "an answer": b"\n".join(answer.body + repr(answer.headers).encode() for answer in received),
        "the command line": shown,
        "the log": hub.log.read_bytes(),
        "the backup": backup.read_bytes(),
    }
    for path in sorted(hub.data_dir.rglob("*")):
        if path.is_file() and path.name != "master.key":
            places[path.name] = path.read_bytes()
    assert {"aikit.db", "aikit.db-wal"} <= set(places)
    assert b"sk-i\xe2\x80\xa6x9Yz" in places["the command line"], "it was there to be seen, and is masked"

    _nowhere(places, _secrets_of(hub, people))
    stored = {name: data for name, data in places.items() if name != "an answer"}
    _nowhere(stored, {"the prompt": PROMPT.encode(), "the answer": ANSWER.encode()})


def _secrets_of(hub: HubProcess, people: People) -> dict[str, bytes]:
    master = (hub.data_dir / "master.key").read_text().strip()
    raw = base64.b64decode(master)
    keys = {"the owner's key": hub.key, "the guest's key": people.guest, "the revoked key": people.revoked}
    texts = {**keys, **{f"provider key {n}": secret for n, secret in enumerate(SECRETS)}, "the master key": master}
    escaped = {f"{name}, escaped": text.replace("/", "\\/") for name, text in texts.items() if "/" in text}
    return {
        **{name: text.encode() for name, text in (texts | escaped).items()},
        "the master key, raw": raw,
        "the master key, hex": raw.hex().encode(),
    }


def _nowhere(places: dict[str, bytes], secrets: dict[str, bytes]) -> None:
    found = [f"{name} in {place}" for place, data in places.items() for name, text in secrets.items() if text in data]
    assert [] == found


def _provoked(hub: HubProcess, stub: Stub) -> Iterable[Response]:
    """Every way in which an indiscreet provider can repeat the key, whole and streamed, to both dialects."""
    for number, handler in enumerate(_indiscretions()):
        for path in (CHAT, MESSAGES):
            for stream in (False, True):
                stub.always(handler)
                body = body_for(path, f"{NAME}/m", text=PROMPT, stream=stream, user=PROMPT) if path == CHAT else (
                    body_for(path, f"{NAME}/m", text=PROMPT, stream=stream)
                )  # fmt: skip
                key = {"idempotency-key": f"provoked-{number}-{path}-{stream}"}
                yield ask(hub, path, body, headers=key)
                yield ask(hub, path, body, headers=key)


def _indiscretions() -> list[Handler]:
    return [_erring(400), _erring(404), _erring(429), _erring(500), _erring(401), _redirecting, _nonsense, _breaking,
            _answering, _answering]  # fmt: skip


def _reported(secret: str) -> bytes:
    words = f"You sent {secret}, that is Authorization: Bearer {secret}"
    return json.dumps({"error": {"message": words, "type": secret, "code": secret, "param": secret}}).encode()


def _erring(status: int) -> Handler:
    rejected = iter(range(2))

    async def handler(request: Received, reply: Reply) -> None:
        secret = credential_of(request)
        # A rejected credential is out of use for good, so only two are: the others are still needed.
        reported = 429 if status == 401 and next(rejected, None) is None else status
        headers = {"content-type": "application/json", "x-ratelimit-key": secret, "openai-processing-ms": secret}
        body = _reported(secret).replace(b"/", b"\\/") if status == 404 else _reported(secret)
        await reply.send(reported, headers | {"retry-after": "60"}, body)

    return handler


async def _redirecting(request: Received, reply: Reply) -> None:
    await reply.send(307, {"location": f"http://127.0.0.1/?key={credential_of(request)}"}, b"")


async def _nonsense(request: Received, reply: Reply) -> None:
    await reply.send(200, {"content-type": "text/plain"}, f"{credential_of(request)} is no JSON".encode())


async def _breaking(request: Received, reply: Reply) -> None:
    secret = credential_of(request)
    await reply.start(200, {"content-type": "text/event-stream", "x-ratelimit-key": secret})
    await reply.write(openai_chunk({"role": "assistant", "content": ANSWER}))
    await reply.write(b"data: " + _reported(secret) + b"\n\n")


async def _answering(request: Received, reply: Reply) -> None:
    headers = {"x-ratelimit-key": credential_of(request), "set-cookie": f"key={credential_of(request)}"}
    if json.loads(request.body).get("stream"):
        await reply.start(200, {"content-type": "text/event-stream", **headers})
        for event in openai_stream({"content": ANSWER}):
            await reply.write(event)
    else:
        message = {"role": "assistant", "content": ANSWER, "refusal": None}
        await reply.send(200, {"content-type": "application/json", **headers}, openai_whole(message))


def _strangers(hub: HubProcess, people: People) -> Iterable[Response]:
    """Keys where they do not belong: nobody is answered with them."""
    for path in (CHAT, MESSAGES, "/v1/models", BALANCE, "/healthz", "/", "/nope"):
        for headers in (
            {"authorization": f"Basic {people.guest}"},
            {"x-api-key": people.revoked},
            {"cookie": f"key={people.guest}"},
            {"user-agent": people.guest, "referer": f"https://x.example/?key={people.guest}"},
        ):
            yield ask(hub, path, None if path.startswith("/v1/mod") else b"{", key="", method="GET", headers=headers)
            yield ask(hub, f"{path}?key={people.guest}", b'{"x":"' + people.guest.encode() + b'"}', headers=headers)


def _shown(hub: HubProcess, call_ids: list[str], backup: Path) -> bytes:
    """What the operator can look at, for scripts and for people."""
    known = {call["id"] for call in hub.calls()}
    commands = [["provider", "list"], ["credential", "list"], ["rate", "list"], ["user", "list"], ["key", "list"],
                ["credit", "balance", "owner"], ["call", "list"], ["ledger", "verify"], ["config", "show"],
                *(["call", "show", call_id] for call_id in [*dict.fromkeys(call_ids)][::7] if call_id in known)]  # fmt: skip
    assert len(commands) > 12
    reported = hub.script(*commands, *([*command, "--json"] for command in commands), ["backup", str(backup)])
    return "\n".join(reported).encode()
