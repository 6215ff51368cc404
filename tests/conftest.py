"""Prints the table of the recordings at the end of a run, whichever process ran their tests."""

import pytest

from tests.recordings import seen


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table())


class Table:
    """Gathers what the reports tell of recordings."""

    def __init__(self) -> None:
        self._verdicts: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, verdict in report.user_properties:
            if name == seen.PROPERTY:
                assert isinstance(verdict, tuple)
                label, ok = verdict
                seen.add(self._verdicts, label, ok)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        verdicts = self._verdicts
        if not verdicts:
            return
        terminalreporter.section("recordings: passed/total, by feature")
        for line in seen.table(verdicts, seen.files()):
            terminalreporter.write_line(line)
        passed, known = sum(verdicts.values()), sum(len(seen.recorded(name)) for name in seen.files())
        told = f"{passed} passed, {len(verdicts) - passed} failed, {known - len(verdicts)} not looked at"
        terminalreporter.write_line(told)
