"""The table that ends a run counts what the tests saw, and nothing more."""

import json

import pytest

from tests.recordings import seen


@pytest.fixture(autouse=True)
def made_up_recordings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("recordings")
    lines = [{"features": ["tools"]}, {"features": ["tools", "reasoning"]}, {"features": []}]
    (folder / "madeup-chat.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.setattr(seen, "FOLDER", folder)
    monkeypatch.setattr(seen, "_fresh", {})


def test_an_exchange_that_nobody_looked_at_has_not_passed() -> None:
    seen.saw("madeup-chat-1", True)

    assert [f"{'madeup-chat':32} {'1/3':>8}  tools 1/2 · reasoning 1/1"] == seen.table(seen.taken(), seen.files())


def test_one_test_that_fails_outweighs_all_that_pass() -> None:
    with seen.checking("madeup-chat-0"):
        assert seen.recorded("madeup-chat")
    with pytest.raises(AssertionError), seen.checking("madeup-chat-0"):
        raise AssertionError("the text is not the recorded one")
    seen.saw("madeup-chat-0", True)

    assert {"madeup-chat-0": False} == seen.taken()


def test_what_a_test_saw_is_reported_once() -> None:
    seen.saw("madeup-chat-1", True)

    assert [{"madeup-chat-1": True}, {}] == [seen.taken(), seen.taken()]


@pytest.mark.parametrize(
    ("test_id", "expected"),
    [
        ("madeup-chat-2", "madeup-chat-2"),
        ("whole-/v1/messages-madeup-chat-0", "madeup-chat-0"),
        ("madeup-chat-1-streamed", "madeup-chat-1"),
        ("madeup-chat-3", None),
        ("madeup-chat", None),
        ("notmadeup-chat-1", None),
        ("madeup-chat-1x", None),
    ],
    ids=["alone", "last", "first", "beyond the file", "no number", "another file", "another number"],
)
def test_a_tests_id_names_the_exchange_among_its_other_parameters(test_id: str, expected: str | None) -> None:
    assert expected == seen.named_in(test_id)


def test_a_label_names_the_file_without_its_ending() -> None:
    assert ("madeup-chat-7", 3) == (seen.label("madeup-chat.jsonl", 7), len(seen.recorded("madeup-chat.jsonl")))
