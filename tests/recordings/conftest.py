"""Counts the tests that are parametrised by a recording's label, and prints the table at the end of the run."""

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
        for part in {callspec.id, callspec.id.rpartition("[")[2]}:
            file, _, number = part.rpartition("-")
            if number.isdigit() and int(number) < len(seen.recorded(file)):
                seen.saw(part, report.passed)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    verdicts = seen.verdicts()
    if not verdicts:
        return
    terminalreporter.section("recordings: passed/total, by feature")
    for line in seen.table(verdicts, seen.files()):
        terminalreporter.write_line(line)
    passed, known = sum(verdicts.values()), sum(len(seen.recorded(name)) for name in seen.files())
    told = f"{passed} passed, {len(verdicts) - passed} failed, {known - len(verdicts)} not looked at"
    terminalreporter.write_line(told)
