"""What all tests share: the examples of laws, and what is printed at the end of a run: recordings and figures."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests.recordings import seen
from tests.support import postgres
from tests.support.figures import Figures, Sum

# Laws run the same examples on every machine, so that a failure is there for everybody, and against no clock.
settings.register_profile(
    "laws", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("laws")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table())


def pytest_collection_finish() -> None:
    """Keep the collector from scanning all collected tests again and again.

    A scan stops every thread of the process. On a busy machine it takes seconds, and a stub provider that runs in one of
    the threads seems silent to the hub, which then answers 504.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    postgres.remove_servers()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """What the test counts, for the end of the run."""
    return Figures(request.node.user_properties)


class Table:
    """Prints what the reports tell of recordings, and the figures, whichever process ran their tests."""

    def __init__(self) -> None:
        self._verdicts: dict[str, bool] = {}
        self._figures = Sum()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, verdict in report.user_properties:
            if name == seen.PROPERTY:
                assert isinstance(verdict, tuple)
                label, ok = verdict
                seen.add(self._verdicts, label, ok)
        if report.when == "call":
            self._figures.add(report.user_properties, report.failed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        figures = self._figures.lines()
        if figures:
            terminalreporter.section("figures")
            for line in figures:
                terminalreporter.write_line(line)
        self._tell_recordings(terminalreporter)

    def _tell_recordings(self, terminalreporter: pytest.TerminalReporter) -> None:
        verdicts = self._verdicts
        if not verdicts:
            return
        terminalreporter.section("recordings: passed/total, by feature")
        for line in seen.table(verdicts, seen.files()):
            terminalreporter.write_line(line)
        passed, known = sum(verdicts.values()), sum(len(seen.recorded(name)) for name in seen.files())
        reported = f"{passed} passed, {len(verdicts) - passed} failed, {known - len(verdicts)} not looked at"
        terminalreporter.write_line(reported)
