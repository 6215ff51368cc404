"""Every test here runs on asyncio, against a provider of its own module."""

from collections.abc import Iterator

import pytest

from tests.system.scripted_provider import ScriptedProvider, scripted_provider


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as running:
        yield running
