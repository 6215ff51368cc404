"""What the vault promises: sealed values open for their own row under their own key, and fingerprints recognise."""

import base64
import hmac
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from adapters.master_keys import master_keys
from adapters.vault import MasterKeyVault, decode_master_key, key_id
from ports.vault import VaultError

KEY, OTHER_KEY = bytes(range(32)), bytes(range(32, 64))
CANARY = "sk-canary-never-to-be-seen-0123456789"


@given(secret=st.binary(max_size=200), row=st.text(max_size=40))
def test_what_is_sealed_opens_again_for_its_row(secret: bytes, row: str) -> None:
    vault = MasterKeyVault([KEY])

    assert vault.unseal(vault.seal(secret, row), row) == secret


def test_a_sealed_value_shows_nothing_and_is_never_the_same_twice() -> None:
    vault = MasterKeyVault([KEY])

    first, second = vault.seal(CANARY.encode(), "credential:a"), vault.seal(CANARY.encode(), "credential:a")

    assert CANARY.encode() not in first
    assert first != second
    assert first[1:9] == key_id(KEY)


def test_a_sealed_value_opens_for_no_other_row() -> None:
    vault = MasterKeyVault([KEY])
    sealed = vault.seal(CANARY.encode(), "credential:a")

    with pytest.raises(VaultError, match="credential:b") as problem:
        vault.unseal(sealed, "credential:b")

    assert CANARY not in str(problem.value)


def test_a_sealed_value_with_any_byte_changed_does_not_open() -> None:
    vault = MasterKeyVault([KEY])
    sealed = vault.seal(b"secret", "row")

    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(VaultError):
            vault.unseal(changed, "row")
    for length in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.unseal(sealed[:length], "row")


def test_another_master_key_opens_nothing_and_is_named() -> None:
    sealed = MasterKeyVault([KEY]).seal(b"secret", "row")

    with pytest.raises(VaultError, match=key_id(KEY).hex()):
        MasterKeyVault([OTHER_KEY]).unseal(sealed, "row")


def test_an_old_key_still_opens_while_the_first_one_seals() -> None:
    sealed_before = MasterKeyVault([KEY]).seal(b"before", "row")
    rotated = MasterKeyVault([OTHER_KEY, KEY])

    assert rotated.unseal(sealed_before, "row") == b"before"
    assert MasterKeyVault([OTHER_KEY]).unseal(rotated.seal(b"after", "row"), "row") == b"after"


def test_a_fingerprint_recognises_and_reveals_nothing() -> None:
    vault = MasterKeyVault([KEY])

    assert vault.fingerprint(CANARY) == MasterKeyVault([KEY]).fingerprint(CANARY) == vault.fingerprint(CANARY)
    assert vault.fingerprint(CANARY) != MasterKeyVault([OTHER_KEY]).fingerprint(CANARY)
    assert vault.fingerprint(CANARY) != vault.fingerprint(CANARY[:-1])
    # A stored hash does not authenticate: it is not its own fingerprint.
    assert vault.fingerprint(vault.fingerprint(CANARY)) != vault.fingerprint(CANARY)


def test_what_is_sealed_and_what_is_recognised_have_keys_of_their_own() -> None:
    """Two labels, so that neither key is the other. Every file of books depends on them."""
    seal, recognise = (
        HKDF(SHA256(), 32, salt=None, info=b"aihub " + use).derive(KEY) for use in (b"seal", b"fingerprint")
    )
    vault = MasterKeyVault([KEY])
    sealed = vault.seal(b"secret", "row")

    assert b"secret" == AESGCM(seal).decrypt(sealed[9:21], sealed[21:], sealed[:9] + b"row")
    assert vault.fingerprint(CANARY) == hmac.digest(recognise, CANARY.encode(), "sha256").hex()


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
        base64.urlsafe_b64encode(KEY).decode() + "\n",
    ],
)
def test_a_master_key_is_read_as_hex_or_base64(text: str) -> None:
    assert decode_master_key(text, "the test") == KEY


@pytest.mark.parametrize("text", ["", "short", KEY.hex()[:-2], KEY.hex() + "00", "ä" * 43, "!" * 44])
def test_what_is_no_master_key_is_refused_with_its_origin_and_the_remedy(text: str) -> None:
    with pytest.raises(VaultError, match=r"AIHUB_MASTER_KEY.*openssl rand") as problem:
        decode_master_key(text, "AIHUB_MASTER_KEY")

    assert not text or text not in str(problem.value)


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    (made,), _ = master_keys(tmp_path, None, "aikit.db")

    assert len(made) == 32
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert master_keys(tmp_path, None, "aikit.db")[0] == (made,)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from adapters.master_keys import master_keys\n"
    script += "sys.stdin.read(); print(master_keys(Path(sys.argv[1]), None, 'aikit.db')[0][0].hex())"
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for start in starts:
        assert start.stdin is not None
        start.stdin.close()
        start.stdin = None

    keys = {start.communicate()[0].strip() for start in starts}

    assert keys == {master_keys(tmp_path, None, "aikit.db")[0][0].hex()}
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    master_keys(tmp_path, None, "aikit.db")
    os.chmod(tmp_path / "master.key", 0o640)

    with pytest.raises(VaultError, match="chmod 600"):
        master_keys(tmp_path, None, "aikit.db")


def test_a_given_file_may_be_read_by_others_and_is_never_written(tmp_path: Path) -> None:
    given = tmp_path / "mounted"
    given.write_text(f"{base64.b64encode(OTHER_KEY).decode()}\n{KEY.hex()}\n")
    given.chmod(0o444)

    keys, source = master_keys(tmp_path / "data", None, "aikit.db", given)

    assert (OTHER_KEY, KEY) == keys
    vault = MasterKeyVault(keys, source)
    with pytest.raises(VaultError, match=r"AIHUB_MASTER_KEY_FILE.*first line"):
        vault.renew()
    assert not (tmp_path / "data").exists()


def test_a_given_file_is_read_again_after_a_change_as_a_rotation_needs(tmp_path: Path) -> None:
    given = tmp_path / "mounted"
    given.write_text(KEY.hex())
    given.chmod(0o400)
    keys, source = master_keys(tmp_path, None, "aikit.db", given)
    vault = MasterKeyVault(keys, source)
    old = vault.seal(b"secret", "row")

    other = tmp_path / "other"
    other.write_text(f"{OTHER_KEY.hex()}\n{KEY.hex()}\n")
    other.rename(given)
    given.chmod(0o400)

    assert vault.seal(b"secret", "row")[1:9] == key_id(OTHER_KEY)
    assert b"secret" == vault.unseal(old, "row")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_given_file_that_others_can_change_is_refused(tmp_path: Path, mode: int) -> None:
    given = tmp_path / "mounted"
    given.write_text(KEY.hex())
    given.chmod(mode)

    with pytest.raises(VaultError, match="can be changed by others"):
        master_keys(tmp_path, None, "aikit.db", given)


def test_a_given_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"AIHUB_MASTER_KEY_FILE.*gone.*No such file"):
        master_keys(tmp_path, None, "aikit.db", tmp_path / "gone")
