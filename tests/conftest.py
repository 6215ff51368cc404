"""What all tests share: the examples of laws, and the table of the recordings at the end of a run."""

import pytest
from hypothesis import HealthCheck, settings

from tests.recordings import seen

# Laws run the same examples on every machine, so that a failure is there for everybody, and against no clock.
settings.register_profile(
    "laws", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("laws")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table())


class Table:
    """Prints what the reports tell of recordings, whichever process ran their tests."""

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
