"""AIHUB_LOG: every line of a hub that logs JSON is JSON, and one of them for each call, without content or secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.plain_calls import CHAT, ask
from tests.support.hub import HubProcess, Interface, running_hub

PROMPT = "canary-of-the-prompt"


def called(hub: HubProcess, stream: bool = False) -> str:
    body = {"model": "echo", "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    received = ask(hub, CHAT, body)
    assert (200, True) == (received.status, PROMPT.encode() in received.body)
    call_id = received.header("x-request-id")
    assert call_id is not None
    return call_id


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_every_call_is_one_line_of_json(tmp_path: Path, interface: Interface) -> None:
    with running_hub(tmp_path / "data", interface, workers=2, env={"AIHUB_LOG": "json"}) as hub:
        hub.cli("credit", "grant", "owner", "1")
        ids = [called(hub, stream) for stream in (False, True)]
        hub.stop()
        text = hub.log.read_text()

    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    logged = {line["request_id"]: line for line in lines if line.get("message") == "call ended"}
    assert sorted(ids) == sorted(logged)
    for call_id in ids:
        line = logged[call_id]
        assert ("echo", "echo", "completed", "chat") == (
            line["model"], line["provider"], line["ending"], line["operation"],
        )  # fmt: skip
        assert line["usage"]["output_tokens"] > 0
        assert ("INFO", True) == (line["level"], line["key_id"].startswith("key_"))
        assert 0 <= line["first_chunk_ms"] <= line["duration_ms"]
    assert any("stopping" in line.get("message", "") for line in lines)
    assert not [word for word in (PROMPT, hub.key, "Bearer") if word in text]


def test_text_has_no_line_for_a_call(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        hub.cli("credit", "grant", "owner", "1")
        call_id = called(hub)
        text = hub.log.read_text()

    assert "aihub serves at" in text
    assert call_id not in text
