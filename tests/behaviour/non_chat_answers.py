"""What the stub providers answer where no chat is asked for, as OpenAI would write it, and Voyage its vectors."""

import json
import re
from base64 import b64encode
from struct import pack
from typing import Any

from tests.support.provider import Received

JSON, EVENTS = "application/json", "text/event-stream"
AUDIO = bytes(range(256)) * 4  # No text in any encoding.
TEXT = "continued by the stub"
VECTOR = [0.25, -0.5, 0.125]
PACKED = b64encode(pack("<3f", *VECTOR)).decode()


def polite_beside_chat(request: Received) -> tuple[str, bytes] | None:
    """The content type and a whole answer for the path, None where a chat or a stream of events is asked for."""
    path = request.path
    if path.endswith(("/images/generations", "/images/edits")):
        return images(request.body)
    if "/videos" in path:
        return video_job(request)
    if path.endswith("/audio/speech"):
        return ("audio/mpeg", AUDIO) if b'"sse"' not in request.body else (EVENTS, b"".join(speech_events()))
    if path.endswith(("/audio/transcriptions", "/audio/translations")):
        return received(request.body)
    if path.endswith("/embeddings"):
        return JSON, embeddings(json.loads(request.body), voyage=path.startswith("/voy/"))
    if path.endswith("/rerank"):
        results = [{"index": 0, "relevance_score": 0.90}]
        name = "data" if path.startswith("/voy/") else "results"
        return JSON, json.dumps({name: results, "usage": {"total_tokens": 11}, "future_field": 1.50}).encode()
    if path.endswith("/moderations"):
        verdict = {"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}
        return JSON, json.dumps({"id": "modr-1", "model": "omni", "results": [verdict], "future_field": 1.50}).encode()
    if path.endswith("/completions") and "/chat/" not in path:
        requested = json.loads(request.body)
        return None if requested.get("stream") else (JSON, completion(requested["model"]))
    return None


def images(body: bytes) -> tuple[str, bytes]:
    """Two images where two are asked for; tokens where the model is the painter: 50 of text and 300 of image in."""
    details = {"text_tokens": 50, "image_tokens": 300}
    usage = {"input_tokens": 350, "output_tokens": 1_000, "total_tokens": 1_350, "input_tokens_details": details}
    reported = {"usage": usage} if b"painter" in body else {}
    image = {"b64_json": PACKED}
    if b'"stream"' in body and b"false" not in body:
        done = {"type": "image_generation.completed", **image, **reported}
        return EVENTS, data({"type": "image_generation.partial_image", **image, "partial_image_index": 0}) + data(done)
    count = 2 if re.search(rb'"n"(: ?|\r\n\r\n)2', body) else 1
    return JSON, json.dumps({"created": 1, "data": [image] * count, "future_field": 1.50, **reported}).encode()


VIDEO = b"\0\0\0\x14ftypisom" + bytes(range(256))


def video_job(request: Received) -> tuple[str, bytes]:
    """A job that is completed when it is asked after; its id tells what was asked for, as nobody remembers it."""
    path = request.path.partition("?")[0]
    if path.endswith("/content"):
        return "video/mp4", VIDEO
    if request.method == "POST":
        requested = json.loads(request.body)
        return JSON, video("queued", requested["seconds"], requested.get("size", "720x1280"))
    _, seconds, size = path.rpartition("/")[2].split("_")
    return JSON, video("completed", seconds, size)


def video(status: str, seconds: str = "4", size: str = "720x1280", **more: Any) -> bytes:
    """OpenAI's video object."""
    reported = {"id": f"video_{seconds}_{size}", "object": "video", "status": status, "seconds": seconds, "size": size}
    return json.dumps({**reported, "progress": 0, "future_field": 1.50, **more}).encode()


def speech_events() -> list[bytes]:
    """The sound in two pieces, and four tokens in and thirty out."""
    pieces: list[dict[str, Any]] = [
        {"type": "speech.audio.delta", "audio": b64encode(part).decode()} for part in (AUDIO[:9], AUDIO[9:])
    ]
    usage = {"input_tokens": 4, "output_tokens": 30, "total_tokens": 34}
    return [data(each) for each in (*pieces, {"type": "speech.audio.done", "usage": usage})]


def received(form: bytes) -> tuple[str, bytes]:
    """What was received, in the format that the form asks for: six tokens of sound and one of text in, five out, or 3 s."""
    if b"\r\n\r\nvtt\r\n" in form:
        return "text/vtt; charset=utf-8", b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n"
    tokens: dict[str, Any] = {"type": "tokens", "input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    tokens["input_token_details"] = {"text_tokens": 1, "audio_tokens": 6}
    usage = tokens if b"listener" in form else {"type": "duration", "seconds": 3}
    if b'name="stream"' in form:
        done: dict[str, Any] = {"type": "transcript.text.done", "text": "Hello", "usage": usage}
        return EVENTS, data({"type": "transcript.text.delta", "delta": "Hello"}) + data(done)
    return JSON, json.dumps({"text": "Hello", "usage": usage, "future_field": 1.50}).encode()


def data(value: dict[str, Any]) -> bytes:
    """One event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def completion(model: str) -> bytes:
    """A text completion of eleven tokens in and seven out."""
    choice = {"text": TEXT, "index": 0, "logprobs": None, "finish_reason": "length"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    head = {"id": "cmpl-stub", "object": "text_completion", "created": 1, "model": model}
    return json.dumps({**head, "choices": [choice], "usage": usage, "future_field": 1.50}).encode()


def completion_stream(usage: bool) -> list[bytes]:
    """The same, streamed."""
    head = {"id": "cmpl-stub", "object": "text_completion", "created": 1, "model": "m"}
    half = len(TEXT) // 2
    choices = [
        [{"text": TEXT[:half], "index": 0, "logprobs": None, "finish_reason": None}],
        [{"text": TEXT[half:], "index": 0, "logprobs": None, "finish_reason": "length"}],
    ]
    chunks: list[dict[str, Any]] = [{**head, "choices": choice} for choice in choices]
    if usage:
        counted = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        chunks.append({**head, "choices": [], "usage": counted})
    return [*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]


def embeddings(requested: dict[str, Any], voyage: bool = False) -> bytes:
    """A vector for each input and eleven tokens; Voyage tells a total alone."""
    inputs = requested["input"] if isinstance(requested["input"], list) else [requested["input"]]
    if isinstance(inputs[0], int):
        inputs = [inputs]
    vector: Any = PACKED if requested.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": n, "embedding": vector, "future_field": 1.50} for n in range(len(inputs))]
    usage = {"total_tokens": 11} if voyage else {"prompt_tokens": 11, "total_tokens": 11}
    return json.dumps({"object": "list", "data": data, "model": requested["model"], "usage": usage}, indent=1).encode()
