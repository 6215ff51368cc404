"""What the recordings are, and which of them the tests have proved: provider by feature, reported at the end of the run.

A test that is parametrised by `label(file, number)` is counted by itself (see `conftest`). One that loops over a file
says so for each exchange:

    with seen.checking(label):
        ...assertions...

An exchange has passed if at least one test looked at it and every test that did was content. What a test saw travels
with its report, since the tests may run in several processes and the table is reported in one.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "recordings"
FOLDER = Path(os.environ.get("AIHUB_RECORDINGS", BESIDE))

PROPERTY = "recording"  # what a report calls it

_fresh: dict[str, bool] = {}


@cache
def recorded(file: str) -> tuple[dict[str, Any], ...]:
    """The exchanges of one file, with or without its ending, in its order; none if it is not there."""
    path = FOLDER / f"{file.removesuffix('.jsonl')}.jsonl"
    return tuple(json.loads(line) for line in path.read_text("utf-8").splitlines()) if path.is_file() else ()


def files() -> list[str]:
    """Every file there is, without its ending."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def label(file: str, number: int) -> str:
    """How a table, a test's id and a failure name one exchange: `openai-chat-12`."""
    return f"{file.removesuffix('.jsonl')}-{number}"


def named_in(test_id: str) -> str | None:
    """The label in a test's id, wherever it stands among other parameters: `whole-openai-chat-12-asgi`."""
    numbers = {file: re.search(rf"(?:^|[^a-z]){re.escape(file)}-(\d+)(?![^-\]])", test_id) for file in files()}
    known = [file for file, number in numbers.items() if number and int(number[1]) < len(recorded(file))]
    longest = max(known, key=len, default="")
    number = numbers.get(longest)
    return label(longest, int(number[1])) if number else None


def saw(label: str, ok: bool) -> None:
    """A test looked at this exchange. One that was not content outweighs all that were."""
    add(_fresh, label, ok)


def add(verdicts: dict[str, bool], label: str, ok: bool) -> None:
    """Add what a test saw to what others did."""
    verdicts[label] = verdicts.get(label, True) and ok


@contextmanager
def checking(label: str) -> Iterator[None]:
    """Within it stand the assertions about one exchange."""
    try:
        yield
    except BaseException:
        saw(label, False)
        raise
    saw(label, True)


def taken() -> dict[str, bool]:
    """What was seen since this was last asked."""
    reported = dict(_fresh)
    _fresh.clear()
    return reported


def table(seen: dict[str, bool], names: list[str]) -> list[str]:
    """A line for each file: passed/total of its exchanges, and of each feature that they exercise."""
    lines = []
    for name in names:
        passed, total = Counter[str](), Counter[str]()
        for number, exchange in enumerate(recorded(name)):
            for feature in ("", *exchange["features"]):
                total[feature] += 1
                passed[feature] += seen.get(label(name, number), False)
        looked_at = any(label(name, number) in seen for number in range(total[""]))
        reported = [
            f"{feature} {passed[feature]}/{count}" for feature, count in total.most_common() if feature and looked_at
        ]
        whole = f"{passed['']}/{total['']}"
        lines.append(f"{name:32} {whole:>8}  {' · '.join(reported)}".rstrip())
    return lines
