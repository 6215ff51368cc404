"""What the stub providers answer where no chat is asked for, as OpenAI would write it, and Voyage its vectors."""

import json
from base64 import b64encode
from struct import pack
from typing import Any

from tests.support.provider import Received

VECTOR = [0.25, -0.5, 0.125]
PACKED = b64encode(pack("<3f", *VECTOR)).decode()


def polite_beside_chat(request: Received) -> bytes | None:
    """A whole answer for the path, None where chat is asked for."""
    if request.path.endswith("/embeddings"):
        return embeddings(json.loads(request.body), voyage=request.path.startswith("/voy/"))
    return None


def embeddings(asked: dict[str, Any], voyage: bool = False) -> bytes:
    """A vector for each input and eleven tokens; Voyage tells a total alone."""
    inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    if isinstance(inputs[0], int):
        inputs = [inputs]
    vector: Any = PACKED if asked.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": n, "embedding": vector, "future_field": 1.50} for n in range(len(inputs))]
    usage = {"total_tokens": 11} if voyage else {"prompt_tokens": 11, "total_tokens": 11}
    return json.dumps({"object": "list", "data": data, "model": asked["model"], "usage": usage}, indent=1).encode()
