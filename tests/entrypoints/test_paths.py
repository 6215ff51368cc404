"""The path that is meant by a path as it was written."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.http.routes import canonical_path, routes

TABLE = routes(cast(Any, None))
CANONICAL = canonical_path(TABLE)
PREFIXES = st.sampled_from(["", "/v1", "/openai/v1", "/openai", "/anthropic/v1", "/anthropic", "/api/v1", "/v1/v1"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/v1/messages", "/v1/messages"),
        ("/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/anthropic/v1/messages", "/v1/messages"),
        ("/api/v1/responses", "/v1/responses"),
        ("/api/v1/chat/completions", "/api/v1/chat/completions"),  # AIGNE Hub's own
        ("/api/chat/completions", "/api/chat/completions"),
        ("/api/v2/chat/", "/api/v2/chat"),
        ("/v1/models/openai/v1/gpt", "/v1/models/openai/v1/gpt"),
        ("/models/a/v1/models", "/v1/models/a/v1/models"),
        ("/openai/deployments/v1/m/chat/completions", "/openai/deployments/v1/m/chat/completions"),
        ("/v1/openai/deployments/m/embeddings/", "/openai/deployments/m/embeddings"),
        ("/api/route/v1/m", "/api/route/v1/m"),
        ("/v1", "/v1"),
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/nothing//here/", "/nothing/here"),
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/messages/v1/messages", "/v1/messages"),
        ("/responses/responses/", "/v1/responses"),
        ("/openai/v1/embeddings/v1/embeddings", "/v1/embeddings"),
        ("/v1/chat/completions/messages", "/v1/chat/completions/messages"),
    ],
)
def test_the_path_that_is_meant(written: str, meant: str) -> None:
    assert meant == CANONICAL(written)


@given(route=st.sampled_from(TABLE), prefix=PREFIXES, slashes=st.integers(1, 3), trailing=st.booleans())
def test_every_route_under_v1_is_found_below_every_base_url(
    route: Any, prefix: str, slashes: int, trailing: bool
) -> None:
    path = route.template.replace("{model:path}", "org/m").replace("{response}", "resp_1")
    if path.startswith("/v1/"):
        bare = path.removeprefix("/v1")
        written = (prefix + bare).replace("/", "/" * slashes) + "/" * trailing
        if "/" + "/".join(filter(None, written.split("/"))) not in {one.template for one in TABLE}:
            assert path == CANONICAL(written)


@given(st.lists(st.sampled_from(["v1", "api", "openai", "models", "x", "", "v2", "deployments"]), max_size=6))
def test_what_is_found_is_found_again(parts: list[str]) -> None:
    once = CANONICAL("/" + "/".join(parts))

    assert once == CANONICAL(once)
