"""What a proof reads of every storage, in portions: the same rows, with only the fields that it compares."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from domain.books.ids import CALL, GRANT, text_of
from domain.books.management_scopes import UserScope
from domain.books.statistics.sums import SummedCall, sum_of_call
from domain.ledger.audited import AuditedCall, AuditedLine
from domain.ledger.rows import HoldLine
from domain.limits.rows import Reservation
from domain.usage import Usage
from ports.books import Storage
from tests.adapters.storage_rules import a_call, a_grant, a_hold, a_transfer, open_account, write
from tests.support.parts import part_of

pytestmark = pytest.mark.anyio

P = TypeVar("P", bound=msgspec.Struct)

# Two ids of the usual form, and one that no id of ours has.
FIRST, SECOND, ODD = "call_01k9000000000000000000000a", "call_01k9000000000000000000000b", "call-odd"
GRANT_ID = "grant_01k90000000000000000000000"
FULL = a_call(
    FIRST,
    ending="completed",
    complete=True,
    billed=True,
    provider="acme",
    provider_model="small",
    credential_id="cred_01k9000000000000000000000c",
    rate_id="rate_01k9000000000000000000000d",
    first_byte_ms=3,
    usage=Usage(input_tokens=7, output_tokens=2),
    usage_source="provider",
    charge_nanos=4,
    cost_nanos=2,
    app="editor",
    service_tier="flex",
    size="1024x1024",
    quality="high",
    hold_nanos=9,
    hold_lines=(HoldLine(GRANT_ID, 9),),
    reserved=(Reservation(kind="budget", id="b", subject="user:1", amount=9, mark=1),),
)
CALLS = (FULL, a_call(SECOND), a_call(ODD))
LINES = (
    a_transfer(FIRST, kind="hold", grant_id=GRANT_ID, amount_nanos=9),
    a_transfer(FIRST, kind="capture", grant_id=None, amount_nanos=4),
    a_transfer(FIRST, kind="release", grant_id=GRANT_ID, amount_nanos=5),
)


async def all_of(portions: AsyncIterator[Sequence[P]]) -> list[P]:
    return [row async for portion in portions for row in portion]


def in_texts(row: Any) -> Any:
    """The row with the ids that a storage keeps in its own form as texts."""
    forms = {"id": CALL, "cause": CALL, "grant_id": GRANT}
    kept = {field: prefix for field, prefix in forms.items() if isinstance(getattr(row, field, None), bytes)}
    return msgspec.structs.replace(row, **{field: text_of(getattr(row, field), of) for field, of in kept.items()})


async def test_a_proof_reads_the_fields_of_calls_and_lines_as_they_are(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(UserScope(name="nobody"), write(a_grant(id=GRANT_ID), *map(a_hold, (FIRST, SECOND, ODD))))
    await storage.decide(UserScope(name="nobody"), write(*CALLS, *LINES))

    async with storage.snapshot() as snapshot:
        whole = [call async for call in snapshot.calls()]
        audited = [in_texts(row) for row in await all_of(snapshot.audited_calls())]
        summed = [in_texts(row) for row in await all_of(snapshot.summed_calls())]
        transfers = [line async for line in snapshot.transfers()]
        lines = [in_texts(row) for row in await all_of(snapshot.audited_lines())]

    assert set(CALLS) == set(whole)
    assert audited == [part_of(AuditedCall, call) for call in whole]
    assert summed == [part_of(SummedCall, call) for call in whole]
    assert [sum_of_call(call, "") for call in summed] == [sum_of_call(call, "") for call in whole]
    assert lines == [part_of(AuditedLine, transfer) for transfer in transfers]


async def test_empty_books_have_no_portion(storage: Storage) -> None:
    async with storage.snapshot() as snapshot:
        assert [] == [portion async for portion in snapshot.audited_calls()]
        assert [] == [portion async for portion in snapshot.audited_lines()]
