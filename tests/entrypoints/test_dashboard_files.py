"""What the dashboard ships: vendored files as their manifest states, and little of it."""

import gzip
import json
from hashlib import sha256

from entrypoints.http.dashboard.static_files import STATIC

SCRIPTS_BYTES_MAX = 60_000


def test_vendored_files_are_those_of_the_manifest() -> None:
    for one in json.loads((STATIC / "vendored.json").read_text()):
        assert one["sha256"] == sha256((STATIC / one["file"]).read_bytes()).hexdigest()
        assert all(one[field] for field in ("name", "version", "licence"))


def test_all_scripts_together_are_small() -> None:
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.glob("*.js")) <= SCRIPTS_BYTES_MAX


def test_our_own_files_name_no_other_host() -> None:
    vendored = {one["file"] for one in json.loads((STATIC / "vendored.json").read_text())}
    for path in STATIC.iterdir():
        if path.name not in vendored | {"vendored.json", "icon.svg"}:
            assert "://" not in path.read_text(), path.name
