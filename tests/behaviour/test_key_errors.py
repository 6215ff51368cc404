"""Who has no valid key gets nothing, and learns nothing: by the contract of `test_errors.py`, whatever else is wrong."""

import hashlib
import sqlite3

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import ask, body_for
from tests.behaviour.test_errors import PATHS, valid
from tests.support.hub import HubProcess

pytestmark = pytest.mark.usefixtures("nothing_moves")


@PATHS
@pytest.mark.parametrize("body", [None, b"{", b"{}"], ids=["fine", "no json", "no fields"])
def test_who_has_no_key_learns_how_to_send_one_and_nothing_else(hub: HubProcess, path: str, body: bytes | None) -> None:
    error = check_error(ask(hub, path, body or valid(path), key=""), path, 401, "missing_api_key")

    assert "Authorization: Bearer" in error["message"]


@PATHS
@pytest.mark.parametrize("body", [None, b"{", b'{"model":"no-such","messages":[],"max_tokens":1}'])
def test_a_wrong_key_is_refused_whatever_the_body_is(hub: HubProcess, path: str, body: bytes | None) -> None:
    error = check_error(ask(hub, path, body or valid(path), key="ahk_wrong"), path, 401, "invalid_api_key")

    assert "not known" in error["message"]
    check_error(ask(hub, path, body_for(path, "no-such"), key="ahk_wrong"), path, 401, "invalid_api_key")


@PATHS
def test_a_revoked_key_is_refused_as_such(hub: HubProcess, people: People, path: str) -> None:
    for body in (valid(path), body_for(path, "no-such")):
        error = check_error(ask(hub, path, body, key=people.revoked), path, 401, "invalid_api_key")

        assert "revoked" in error["message"]


@PATHS
def test_what_the_books_keep_of_a_key_does_not_authenticate(hub: HubProcess, path: str) -> None:
    """G22: neither the stored fingerprint nor the visible prefix nor a digest of the key is a key."""
    books = sqlite3.connect(f"file:{hub.data_dir / 'aikit.db'}?mode=ro", uri=True)
    try:
        columns = [row[1] for row in books.execute("PRAGMA table_info(api_keys)")]
        rows = books.execute("SELECT * FROM api_keys").fetchall()
    finally:
        books.close()
    assert "fingerprint" in columns
    stored = {str(value) for row in rows for value in row if value is not None}
    stored |= {hashlib.sha256(hub.key.encode()).hexdigest(), hub.key[:-1], hub.key + "x", hub.key.upper()}
    for value in sorted(stored):
        if value.isascii() and value.isprintable() and value.strip():
            check_error(ask(hub, path, valid(path), key=value), path, 401, "invalid_api_key")
            check_error(ask(hub, path, valid(path), key="", headers={"x-api-key": value}), path, 401)


@pytest.mark.parametrize("spelled", ["{}", "Bearer {}", "bearer  {}", "Bearer Bearer {}"])
def test_a_key_counts_with_its_scheme_and_without(hub: HubProcess, spelled: str) -> None:
    headers = {"authorization": spelled.format(hub.key)}

    assert 200 == ask(hub, "/v1/models", key="", headers=headers).status
