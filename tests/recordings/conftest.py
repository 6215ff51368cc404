"""Counts the tests that are parametrised by a recording's label, and lets each report tell what its test saw.

Where there are no recordings, all tests of this folder are skipped that do not make up their own.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.recordings import seen

HERE = Path(__file__).parent
NONE = pytest.mark.skip(reason=f"no recordings in {seen.FOLDER}: set AIHUB_RECORDINGS to their folder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs recordings where there are none."""
    if seen.FOLDER.is_dir():
        return
    for item in items:
        if item.path.parent == HERE and "made_up_recordings" not in getattr(item, "fixturenames", ()):
            item.add_marker(NONE, append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    callspec: Any = getattr(item, "callspec", None)
    if callspec is not None and (report.failed or (report.passed and report.when == "call")):
        label = seen.named_in(callspec.id)
        if label is not None:
            seen.saw(label, report.passed)
    report.user_properties += [(seen.PROPERTY, verdict) for verdict in seen.taken().items()]
    return report
