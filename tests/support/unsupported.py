"""What becomes of a request that a provider's dialect cannot express in full."""

from typing import Any

from adapters.providers.dialect import ProviderDialect
from domain.dialects.unsupported_params import sorted_out


def dropped(dialect: ProviderDialect, request: Any) -> tuple[str, ...]:
    """The wishes that are left out and named; the request must not be refused."""
    assert dialect.unsupported is not None
    found = sorted_out(dialect.unsupported(request), dialect.name, request.model)
    assert isinstance(found, tuple), found
    assert dialect.refuses(request) is None
    return found
