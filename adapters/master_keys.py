"""Where master keys come from: the settings, a file that the hub keeps, or a file that it is given.

House rule: a file has one key per line, and the first seals. The hub changes only its own file.
"""

import base64
import fcntl
import os
import stat
from pathlib import Path

from adapters.vault import KEY_BYTES, KeySource, decode_master_key, key_id
from ports.vault import VaultError


class KeyFile:
    """The file of the master keys, one per line: the first seals. A rotation writes a new first line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()

    def keys(self) -> tuple[bytes, ...]:
        """Return the keys. Raises VaultError if there is none, or if other users can read the file."""
        self._check_mode(stat.S_IMODE(self._path.stat().st_mode))
        lines = [line for line in (_read(self._path) or "").splitlines() if line.strip()] or [""]
        return tuple(decode_master_key(line, str(self._path)) for line in lines)

    def changed(self) -> tuple[bytes, ...] | None:
        """Return the keys if the file has changed since the last check; None if not, or if it is gone."""
        state = self._state()
        if state is None or state == self._seen:
            return None
        self._seen = state
        return self.keys()

    def renew(self, current_id: bytes) -> tuple[bytes, ...]:
        """Add a new key before the current one; older ones, under which nothing is sealed any more, are removed.

        Raises VaultError if the key of that id is no longer the first: another process is rotating.
        """
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            current = self.keys()[0]
            if key_id(current) != current_id:
                raise VaultError("another process has begun to rotate the master key; run this again when it has ended")
            lines = [base64.b64encode(key) for key in (os.urandom(KEY_BYTES), current)]
            os.replace(_written_unnamed(self._path, b"\n".join(lines) + b"\n"), self._path)
            os.fsync(directory)
        finally:
            os.close(directory)
        self._seen = self._state()
        return self.keys()

    def _check_mode(self, mode: int) -> None:
        if mode & 0o077:
            raise VaultError(f"{self._path} can be used by others (mode {mode:04o}): run `chmod 600 {self._path}`")

    def _state(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


class GivenKeyFile(KeyFile):
    """A file of master keys that somebody else keeps, such as a secret mounted into a container: it is only read.

    Who may read it is decided where it is mounted, since orchestrators give such files to a group or to everybody.
    """

    def renew(self, current_id: bytes) -> tuple[bytes, ...]:
        """Raises VaultError with what the operator has to do instead."""
        raise VaultError(
            f"the master key is in {self._path} (AIHUB_MASTER_KEY_FILE), which the hub only reads: write a new key as "
            "its first line, the present one as the second, and rotate then"
        )

    def _check_mode(self, mode: int) -> None:
        if mode & 0o022:
            raise VaultError(f"{self._path} can be changed by others (mode {mode:04o}): take their right to write away")


def master_keys(
    data_dir: Path, given: str | None, books: str, given_file: Path | None = None
) -> tuple[tuple[bytes, ...], KeySource | None]:
    """Return the master keys of a data directory, the one that seals first, and the source that may change them.

    The keys are those given, separated by commas, else those of the file that is given, else those of the hub's own
    file, which the first start makes. Raises VaultError if a key is malformed, if it is missing while there are `books`
    made under it, or if a file's mode gives others too many rights.
    """
    if given:
        return tuple(decode_master_key(part, "AIHUB_MASTER_KEY") for part in given.split(",")), None
    if given_file is not None:
        try:
            source = GivenKeyFile(given_file)
            return source.keys(), source
        except OSError as error:
            raise VaultError(
                f"the file in AIHUB_MASTER_KEY_FILE, {given_file}, cannot be read: {error.strerror}"
            ) from error
    return _own_keys(data_dir / "master.key", books)


def _own_keys(path: Path, books: str) -> tuple[tuple[bytes, ...], KeySource]:
    # Checked before the key: another first start at the same time makes its key before its books.
    orphaned = path.with_name(books).exists()
    if _read(path) is None and orphaned:
        raise VaultError(
            f"there is no {path}, and the books next to it were made under a master key: put that one back, or give it "
            "in AIHUB_MASTER_KEY; under a new one every API key would be unknown and every sealed secret lost"
        )
    if _read(path) is None:
        _make(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
    file = KeyFile(path)
    return file.keys(), file


def _read(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace")
    except FileNotFoundError:
        return None


def _make(path: Path, content: bytes) -> None:
    """Create a file with its content in one step, readable by its owner; the first of several processes wins.

    The file is written under another name and linked, because a file that is only created exclusively may be read while
    it is empty.
    """
    unnamed = _written_unnamed(path, content)
    try:
        os.link(unnamed, path)
        _sync_directory(path.parent)
    except FileExistsError:
        pass
    finally:
        os.unlink(unnamed)


def _written_unnamed(path: Path, content: bytes) -> Path:
    """Create a new file next to that path, readable by its owner alone, with the content on the disk."""
    unnamed = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    return unnamed


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
