"""The service tier that Google reports, which selects the price."""

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from adapters.providers.google.usage import reported
from domain.model_api.events import UsageReported


@pytest.mark.parametrize(("said", "counts"), [
    (b'{"serviceTier": "standard"}',               "standard"),
    (b'{"serviceTier": "SERVICE_TIER_PRIORITY"}',  "priority"),
    (b'{"trafficType": "ON_DEMAND_FLEX"}',         "flex"),
    (b'{"trafficType": "ON_DEMAND"}',              "demand"),  # a word that has no prices is the standard service
    (b'{"serviceTier": 7}',                        None),
    (b'{"more": 1}',                               None),
])  # fmt: skip
def test_the_service_tier_is_reported_by_both_fields(said: bytes, counts: str | None) -> None:
    _, (report,) = reported(msgspec.Raw(b'{"promptTokenCount": 1, ' + said[1:].replace(b"{}", b"")), None, 0)

    assert counts == report.service_tier


def test_it_goes_with_the_usage() -> None:
    body = (
        b'{"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}],'
        b' "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "serviceTier": "flex"}}'
    )

    (report,) = (event for event in GOOGLE.decode(body) if isinstance(event, UsageReported))

    assert report.service_tier == "flex"
