"""What a mutant is: one defect as data, with the tests that must find it."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which stands exactly once in `file`, is replaced by `new`; at least one of the `tests` must fail then.

    `name` says what the hub does with the defect. Paths are from the root of the repository, tests are pytest's ids.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
