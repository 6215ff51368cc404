"""Adding a provider in the dashboard: its secret is tested before anything is saved."""

import re

import pytest

from domain.catalog.vendors import VENDORS
from tests.behaviour.conftest import People
from tests.behaviour.dashboard import ROOT, Browser, sign_in, text_of
from tests.behaviour.stub import Stub
from tests.behaviour.test_provider_changes import rejected
from tests.support.hub import HubProcess

NEW = f"{ROOT}/providers/new"
SECRET = "sk-shelf-0123456789abcdef"


@pytest.fixture
def owner(hub: HubProcess) -> Browser:
    return sign_in(hub, hub.key)


def test_every_vendor_can_be_picked(owner: Browser) -> None:
    page = owner.get(NEW).body.decode()
    names = re.findall(r"/providers/new\?vendor=([\w-]+)", page)
    assert sorted([*VENDORS, "other"]) == sorted([*names, "echo"] if "echo" in VENDORS else names)
    for name in names:
        form = owner.get(f"{NEW}?vendor={name}")
        assert 200 == form.status
        assert 'name="secret"' in form.body.decode()


def test_a_secret_is_tested_and_then_saved_with_its_provider(hub: HubProcess, owner: Browser, stub: Stub) -> None:
    name = f"shelf-{hub.interface}"
    stub.knows("left", SECRET)
    fields = {
        "vendor": "other",
        "name": name,
        "dialect": "openai",
        "base_url": stub.url("left"),
        "secret": SECRET,
        "test_model": "m",
        "weight": "3",
    }
    before = hub.cli("provider", "list")

    tested = owner.post(NEW, do="test", **fields)
    assert (200, before) == (tested.status, hub.cli("provider", "list"))
    assert f"{name} answered a call of m" in text_of(tested)
    stub.will(rejected)
    refused = owner.post(NEW, do="save", **fields)
    assert (400, before) == (refused.status, hub.cli("provider", "list"))
    assert ["secret"] == re.findall(r'class="error" id="field-(\w+)-error"', refused.body.decode())
    assert "No such key" in text_of(refused)
    assert not any(SECRET.encode() in page.body for page in (tested, refused))

    saved = owner.post(NEW, do="save", secret_name="team", **fields)
    assert (303, f"{ROOT}/providers?done=provider-add") == (saved.status, saved.header("location"))
    (row,) = [one for one in hub.cli("provider", "list") if one["name"] == name]
    (credential,) = [one for one in hub.cli("credential", "list") if one["provider"] == name]
    assert ("openai", 3, "team") == (row["dialect"], row["weight"], credential["name"])
    hub.cli("provider", "remove", name)


def test_a_provider_can_be_saved_without_a_test(hub: HubProcess, owner: Browser) -> None:
    saved = owner.post(NEW, do="save", vendor="groq", name="groq", secret=SECRET, untested="true")
    assert 303 == saved.status
    assert ["groq"] == [one["provider"] for one in hub.cli("credential", "list") if one["provider"] == "groq"]
    hub.cli("provider", "remove", "groq")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"vendor": "other", "name": "a b", "dialect": "openai", "base_url": "http://127.0.0.1:9/v1"}, "name"),
        ({"vendor": "other", "name": "shelf", "dialect": "cobol", "base_url": "http://127.0.0.1:9/v1"}, "dialect"),
        ({"vendor": "other", "name": "shelf", "dialect": "openai", "base_url": "nowhere"}, "base_url"),
        ({"vendor": "other", "name": "shelf", "dialect": "openai"}, "base_url"),
        ({"vendor": "azure", "name": "azure"}, "base_url"),
        ({"vendor": "mistral", "name": "mistral", "weight": "0"}, "weight"),
        ({"vendor": "mistral", "name": "mistral", "do": "test"}, "secret"),
        (
            {"vendor": "groq", "name": "groq", "secret": SECRET, "secret_name": "n" * 999, "untested": "1"},
            "secret_name",
        ),
    ],
)
def test_wrong_fields_come_back_with_their_error(
    hub: HubProcess, owner: Browser, fields: dict[str, str], field: str
) -> None:
    before = hub.cli("provider", "list")
    page = owner.post(NEW, **({"do": "save"} | fields))
    assert 400 == page.status, text_of(page)
    assert [field] == re.findall(r'class="error" id="field-(\w+)-error"', page.body.decode())
    assert before == hub.cli("provider", "list")


def test_a_guest_and_a_form_without_the_token_add_nothing(hub: HubProcess, owner: Browser, people: People) -> None:
    before, guest = hub.cli("provider", "list"), sign_in(hub, people.guest)
    assert 403 == guest.get(NEW).status
    assert 403 == guest.post(NEW, vendor="groq", name="groq", secret=SECRET, untested="true", do="save").status
    assert (
        403
        == owner.post(NEW, token="wrong", vendor="groq", name="groq", secret=SECRET, untested="true", do="save").status
    )
    assert before == hub.cli("provider", "list")
