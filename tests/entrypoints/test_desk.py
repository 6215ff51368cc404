"""What an operator changes: logged without secrets, in an order, and at places where a provider can be."""

import msgspec
import pytest

from domain.books import Row
from domain.management import Changed
from domain.refusals import BadRequest
from domain.scopes import ProviderScope
from entrypoints.usecases import providers, rates, users
from entrypoints.usecases.first_run import found
from tests.entrypoints.desk import CANARY, At, a_desk

pytestmark = pytest.mark.anyio


async def test_every_change_is_in_the_audit_log_without_a_secret() -> None:
    desk = a_desk()
    await found(desk)
    await users.create_user(desk, "cli:ada", "bob", "guest", users.Starter(nanos=5))
    minted = await users.create_key(desk, "cli:ada", "bob", "")
    assert isinstance(minted, users.Minted)
    await providers.create_credential(desk, "cli:ada", "echo", CANARY)

    log = await desk.storage.audit(10)

    assert [entry.action for entry in log[:4]] == ["credential add", "key create", "credit grant", "user add"]
    assert all(entry.actor == "cli:ada" for entry in log[:4])
    assert CANARY not in str(log)
    assert minted.text not in str(log)


async def test_a_newer_rate_follows_an_older_one_though_the_clock_stands() -> None:
    desk = a_desk(clock=At(1_000))
    await found(desk)
    for n in range(5):
        outcome = await rates.put_rate(desk, "test", "echo/echo", rates.Prices(input_nanos=n, output_nanos=n))
        assert isinstance(outcome, Changed)

    class Latest(msgspec.Struct, frozen=True):
        effective: tuple[int, ...]
        writes: tuple[Row, ...] = ()

    versions = await desk.storage.decide(
        ProviderScope(name="echo"), lambda facts: Latest(tuple(rate.effective_ms for rate in facts.rates))
    )

    assert versions.effective == tuple(sorted(set(versions.effective)))


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://api.example.com/v1", True),
        ("http://127.0.0.1:11434/v1/", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.7", True),
        ("echo://local", True),
        ("https://acme.openai.azure.com/openai/deployments/{model}?api-version=2024-10-21", True),
        ("https://acme.openai.azure.com/openai/deployments/{deployment}", False),
        ("https://{model}.example.com/v1", False),
        ("https://example.com/v1?", False),
        ("https://example.com/v1?api-version=1&key=x", False),
        ("ftp://example.com", False),
        ("//example.com", False),
        ("https://", False),
        ("https://user:pass@example.com", False),
        ("https://example.com/v1?key=x", False),
        ("https://example.com/#x", False),
        ("https://exam ple.com", False),
        ("https://example.com\n.evil", False),
        ("https://exämple.com", False),
        ("http://169.254.169.254/latest", False),
        ("http://2852039166", False),
        ("http://0xa9.0xfe.0xa9.0xfe", False),
        ("http://169.254.43518", False),
        ("http://[::ffff:169.254.169.254]", False),
        ("http://[fd00:ec2::254]", False),
        ("http://[fe80::1]", False),
        ("http://metadata.google.internal", False),
        ("http://METADATA.google.internal./", False),
        ("http://example.com:0", False),
        ("echo://elsewhere", False),
    ],
)
def test_a_base_url_is_where_a_provider_can_be(url: str, fine: bool) -> None:
    described = providers.describe_provider("local", "openai", url)

    assert described == ("openai", url.rstrip("/")) if fine else not isinstance(described, tuple)


async def test_a_vendor_with_a_url_for_each_customer_is_added_with_its_url() -> None:
    desk = a_desk()
    await found(desk)

    refused = providers.describe_provider("azure", None, None)
    keyless = await providers.register_vendor_keys(desk, "env", {"AZURE_OPENAI_API_KEY": ("secret-of-azure",)})

    assert isinstance(refused, BadRequest)
    assert ("--base-url", True) == (refused.field, "https://RESOURCE.openai.azure.com/openai/v1" in refused.problem)
    assert [] == keyless
    assert providers.describe_provider("azure", None, "https://acme.openai.azure.com/openai/v1") == (
        "openai",
        "https://acme.openai.azure.com/openai/v1",
    )
