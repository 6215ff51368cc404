"""What a call took is free when it is over: nothing of it waits for the garbage collector (G15)."""

import gc
import json
from collections import Counter
from collections.abc import MutableMapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import pytest

from entrypoints.asgi import AsgiApp
from entrypoints.config import Settings, read_settings
from entrypoints.usecases.manage.first_run import prepare
from entrypoints.wiring import hub

pytestmark = pytest.mark.anyio

KEY = "ahk_owner-key-of-the-memory-test-0000000000000000"
CALLS = 50


@pytest.mark.parametrize(
    ("path", "stream", "charged"),
    [
        ("/v1/chat/completions", False, True),
        ("/v1/chat/completions", True, True),
        ("/v1/messages", False, True),
        ("/v1/messages", True, True),
        ("/v1/chat/completions", False, False),
    ],
)
async def test_a_call_leaves_nothing_to_the_collector(tmp_path: Path, path: str, stream: bool, charged: bool) -> None:
    settings = read_settings(
        {"DATA_DIR": str(tmp_path), "AIHUB_OWNER_KEY": KEY, "CREDIT_BASED_BILLING_ENABLED": str(charged).lower()}
    )
    assert isinstance(settings, Settings)
    async with hub(settings) as whole:
        await prepare(whole, settings.owner_key, settings.vendor_keys, settings.terms)
        app = AsgiApp(lambda: nullcontext(whole))
        await _call(app, path, stream)  # What is made once and kept is no litter.
        gc.collect()
        gc.disable()
        try:
            for _ in range(CALLS):
                await _call(app, path, stream)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            litter = Counter(type(thing).__qualname__ for thing in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert {} == {kind: count for kind, count in litter.items() if count >= CALLS}


async def _call(app: AsgiApp, path: str, stream: bool) -> None:
    """One call of the echo, as a server hands it to the application."""
    requested: dict[str, Any] = {
        "model": "echo/echo",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "hello"}],
    }
    body = json.dumps(requested | {"stream": stream}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "content-length": str(len(body))}
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    answered: list[MutableMapping[str, Any]] = []
    asking = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if not asking:
            await anyio.sleep_forever()  # The caller stays until it has its answer.
        return asking.pop(0)

    async def send(event: MutableMapping[str, Any]) -> None:
        answered.append(event)

    await app(scope, receive, send)
    assert answered[0]["status"] == 200
