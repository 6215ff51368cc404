"""The configuration as a document: what is exported can be applied, and what was applied changes nothing."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.books.rows import AuditEntry
from domain.refusals import BadRequest
from entrypoints.usecases.manage import keys, members, teams
from entrypoints.usecases.manage.configuration.actions import (
    Applied,
    ApplyConfiguration,
    ExportConfiguration,
    apply_configuration,
    export_configuration,
)
from entrypoints.usecases.manage.configuration.document import KIND_NAMES, Document
from entrypoints.usecases.manage.configuration.items import label, name_in
from entrypoints.usecases.manage.first_run import found
from entrypoints.usecases.manage.unit_amounts import amount_of
from entrypoints.usecases.management_context import ActionContext, ActionPolicy, ManagementPorts, Starter
from entrypoints.usecases.public_types import written
from tests.entrypoints.configuration_documents import NOW, document, documents
from tests.entrypoints.management_context import At, a_management_context

SECRET = "sk-a-secret-of-a-provider-{}"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def a_hub() -> ManagementPorts:
    hub = a_management_context(clock=At(NOW))
    await found(hub)
    return hub


def secrets_for(wanted: Document) -> dict[str, str]:
    references = [
        str(held.secret) for entry in wanted.providers.values() for held in entry.credentials.values() if held.secret
    ]
    return {reference: SECRET.format(reference.replace(" ", "")) for reference in references}


async def apply(hub: ManagementPorts, wanted: Document, **options: Any) -> Applied:
    secrets = options.pop("secrets", secrets_for(wanted))
    request = ApplyConfiguration(configuration=wanted, secrets=secrets, **options)
    reply = await apply_configuration(ActionContext(hub=hub, by="test"), request)
    assert isinstance(reply, Applied), reply
    return reply


async def export(hub: ManagementPorts) -> Document:
    reply = await export_configuration(ActionContext(hub=hub, by="test"), ExportConfiguration())
    assert isinstance(reply, Document)
    return reply


@settings(max_examples=20, deadline=None)
@given(wanted=documents())
async def test_an_export_makes_the_same_hub_elsewhere_and_changes_nothing_at_home(wanted: Document) -> None:
    home, elsewhere = await a_hub(), await a_hub()
    await apply(home, wanted)
    exported = await export(home)

    copied = await apply(elsewhere, exported)

    assert exported == await export(elsewhere)
    assert copied.made == len(copied.changes)
    assert [] == (await apply(home, wanted)).changes
    assert [] == (await apply(home, exported, secrets={})).changes
    assert [] == (await apply(elsewhere, exported, prune=KIND_NAMES)).changes


@settings(max_examples=20, deadline=None)
@given(first=documents(), second=documents())
async def test_with_everything_pruned_a_hub_has_what_the_document_states_and_no_more(
    first: Document, second: Document
) -> None:
    hub = await a_hub()
    await apply(hub, first)

    await apply(hub, second, prune=KIND_NAMES, accept=True)

    left = await export(hub)
    assert [] == (await apply(hub, second, prune=KIND_NAMES)).changes
    assert {*left.providers} == {*second.providers}
    assert {*left.aliases} == {*second.aliases}
    assert {*left.rates} == {*second.rates}
    assert {key for user in left.users.values() for key in user.keys} == {
        key for user in second.users.values() for key in user.keys
    }
    assert [len(left.limits), len(left.budgets)] == [len(second.limits), len(second.budgets)]
    gone = {*left.users} - {*second.users}
    assert all(left.users[name].enabled is False or left.users[name].role == "owner" for name in gone)


@settings(max_examples=20, deadline=None)
@given(wanted=documents())
async def test_a_dry_run_shows_what_would_be_done_and_does_nothing(wanted: Document) -> None:
    hub = await a_hub()
    before = await export(hub)

    shown = await apply(hub, wanted, dry_run=True)

    assert (shown.made, shown.keys, before) == (0, [], await export(hub))
    assert shown.changes == (await apply(hub, wanted)).changes


@settings(max_examples=20, deadline=None)
@given(wanted=documents())
async def test_no_secret_and_no_key_is_in_an_export_or_in_the_audit_log(wanted: Document) -> None:
    hub = await a_hub()
    done = await apply(hub, wanted)
    audit: list[AuditEntry] = await hub.storage.audit(1000)

    text = f"{msgspec.json.encode(await export(hub), enc_hook=written)!r} {audit}"

    assert "sk-a-secret" not in text
    assert [] == [one for one in done.keys if one.key in text]


async def test_a_change_that_is_refused_at_the_end_changes_nothing_at_all() -> None:
    hub = await a_hub()
    before, entries = await export(hub), await hub.storage.audit(1000)
    wanted = document({"users": {"alice": {}}, "limits": [{"measure": "requests", "amount": 1, "user": "nobody"}]})

    reply = await apply_configuration(ActionContext(hub=hub, by="test"), ApplyConfiguration(configuration=wanted))

    assert reply == BadRequest(field="configuration.limits[0]", problem="there is no user nobody")
    assert (before, entries) == (await export(hub), await hub.storage.audit(1000))


async def test_what_the_document_does_not_state_stays() -> None:
    hub = await a_hub()
    await apply(hub, document({"users": {"alice": {"email": "a@example.com", "role": "admin"}}}))

    done = await apply(hub, document({"users": {"alice": {"display_name": "Alice"}}}))

    assert [move.field for change in done.changes for move in change.moves] == ["display_name"]
    user = (await export(hub)).users["alice"]
    assert (user.email, user.role, user.display_name) == ("a@example.com", "admin", "Alice")


async def test_the_prices_of_a_rate_are_stated_as_a_whole() -> None:
    hub = await a_hub()
    first = {"input": "1", "output": "2", "cache_read": "0.1", "context": 8_000}
    await apply(hub, document({"rates": {"echo/small": first}}))

    await apply(hub, document({"rates": {"echo/small": {"input": "1", "output": "3"}}}))

    rate = (await export(hub)).rates["echo/small"]
    assert (amount_of(rate, "output"), amount_of(rate, "cache_read")) == (3 * 10**9, None)
    assert rate.context == 8_000


async def test_nothing_is_removed_unless_its_kind_is_pruned_and_that_is_accepted() -> None:
    hub = await a_hub()
    await apply(hub, document({"aliases": {"fast": {"targets": ["echo/echo"]}}, "users": {"alice": {}}}))
    wanted = document({"users": {"bob": {}}})

    assert ["add"] == [change.action for change in (await apply(hub, wanted, dry_run=True)).changes]
    waiting = await apply(hub, wanted, prune=("aliases",))
    assert (waiting.waiting, waiting.made) == (True, 0)
    assert {"fast"} == {*(await export(hub)).aliases}
    done = await apply(hub, wanted, prune=("aliases",), accept=True)
    assert [("add", "bob"), ("remove", "fast")] == [(change.action, change.name) for change in done.changes]
    assert {} == (await export(hub)).aliases
    assert {"alice", "bob", "owner"} == {*(await export(hub)).users}


async def test_a_later_rate_of_the_document_is_the_present_one_once_its_moment_has_come() -> None:
    hub = await a_hub()
    stated = {"input": "1", "output": "1", "later": [{"from": "2031-01-01", "input": "2", "output": "2"}]}
    wanted = document({"rates": {"echo/small": stated}})
    await apply(hub, wanted)

    then = msgspec.structs.replace(hub, clock=At(NOW + 40 * 365 * 86_400_000))

    assert [] == (await apply(then, wanted)).changes
    assert amount_of((await export(then)).rates["echo/small"], "input") == 2 * 10**9


async def test_a_secret_that_changes_replaces_the_one_of_its_credential_and_one_that_is_missing_stays() -> None:
    hub = await a_hub()
    wanted = document({"providers": {"echo": {"credentials": {"team": {"secret": "env:A"}}}}})
    await apply(hub, wanted, secrets={"env:A": "sk-first-0123456789"})

    assert [] == (await apply(hub, wanted, secrets={"env:A": "sk-first-0123456789"})).changes
    kept = await apply(hub, wanted, secrets={})
    assert (kept.changes, kept.notes) == ([], ["the secret of echo/team stays: there is nothing at env:A"])
    (change,) = (await apply(hub, wanted, secrets={"env:A": "sk-other-0123456789"})).changes
    assert [("secret", "sk-f…6789", "env:A")] == [(move.field, move.before, move.after) for move in change.moves]
    assert [] == (await apply(hub, wanted, secrets={"env:A": "sk-other-0123456789"})).changes


async def test_a_credential_that_the_environment_brought_gets_the_name_that_the_document_gives_its_secret() -> None:
    hub = await a_hub()
    first = document({"providers": {"echo": {"credentials": {"env X_API_KEY #1": {"secret": "env:A"}}}}})
    await apply(hub, first, secrets={"env:A": "sk-first-0123456789"})
    wanted = document({"providers": {"echo": {"credentials": {"team": {"secret": "env:A", "weight": 5}}}}})

    (change,) = (await apply(hub, wanted, secrets={"env:A": "sk-first-0123456789"})).changes

    assert change.action == "change"
    assert {"name", "weight"} == {move.field for move in change.moves}
    assert {"team"} == {*(await export(hub)).providers["echo"].credentials}


async def test_a_team_and_its_keys_are_in_no_document_and_stay_as_they_are() -> None:
    hub = await a_hub()
    context = ActionContext(hub=hub, by="test")
    await apply(hub, document({"users": {"alice": {"keys": {"own": {"app": "chat"}}}}}))
    await teams.add_team(context, teams.AddTeam(name="red", wallet="on"))
    await members.add_member(context, members.AddMember(team="red", user="alice"))
    await keys.issue_key(context, keys.CreateKey(user="alice", name="shared", team="red"))

    exported = await export(hub)
    await apply(
        hub, document({"users": {"alice": {"keys": {"own": {"models": ["gpt-5"]}}}}}), prune=KIND_NAMES, accept=True
    )

    assert ["own"] == [*exported.users["alice"].keys]
    assert ["alice", "owner"] == [*exported.users]
    after = {key.name: (key.app, key.models, key.revoked_ms) for key in await hub.storage.keys()}
    assert after == {"own": ("chat", ("gpt-5",), None), "shared": (None, (), None)}


async def test_aliases_that_change_places_are_changed_in_an_order_without_a_circle() -> None:
    hub = await a_hub()
    await apply(hub, document({"aliases": {"a": {"targets": ["b"]}, "b": {"targets": ["echo/echo"]}}}))

    done = await apply(hub, document({"aliases": {"b": {"targets": ["a"]}, "a": {"targets": ["echo/echo"]}}}))

    assert done.made == 2
    assert ["a"] == (await export(hub)).aliases["b"].targets


async def test_a_user_of_a_document_gets_starter_credit_once_and_not_in_a_dry_run() -> None:
    hub = await a_hub()
    context = ActionContext(hub=hub, by="test", policy=ActionPolicy(starter=Starter(nanos=5)))
    wanted = document({"users": {"alice": {}}})

    for dry_run in (True, False, False):
        await apply_configuration(context, ApplyConfiguration(configuration=wanted, dry_run=dry_run))

    alice = await hub.storage.user_named("alice")
    assert alice is not None
    assert [5] == [grant.amount_nanos for grant in await hub.storage.wallet(alice.id)]


@given(name=st.text(max_size=12), number=st.integers(1, 20))
def test_a_label_keeps_the_name_and_no_two_things_have_the_same(name: str, number: int) -> None:
    assert name_in(label(name, number)) == name
    assert label(name, number) != label(name, number + 1)
