"""The figures at the end of a run add up what tests counted, and a failed one is a difference."""

from tests.support.figures import FAULT, Figures, Sum


def test_figures_of_several_tests_are_added_up() -> None:
    first: list[tuple[str, object]] = [("recording", ("openai-1", True))]
    second: list[tuple[str, object]] = []
    Figures(first).add({"requests": 1_500, "kills": 1, FAULT + "full disks": 2})
    Figures(second).add({"requests": 20, FAULT + "answers cut": 3})
    figures = Sum()

    figures.add(first, failed=False)
    figures.add(second, failed=True)

    assert figures.lines() == [
        "requests 1,520 · kills 1 · differences 1",
        "faults: answers cut 3 · full disks 2",
    ]


def test_nothing_is_reported_where_nothing_was_counted() -> None:
    figures = Sum()

    figures.add([("recording", ("openai-1", True))], failed=True)

    assert figures.lines() == []
