"""Counts the tests that are parametrised by a recording's label, and lets each report tell what its test saw."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.recordings import seen


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
