"""The tests are tested: each mutant is one defect of the hub, and the tests that are named with it must find it.

A mutant is made in a copy of the repository, where its tests run in a process of their own. One that survives says
what the tests do not see; one whose fragment is gone, or stands there twice, says that its line was changed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mutation import effect_mutants, limit_mutants, money_mutants, rule_mutants, team_mutants, wallet_mutants
from tests.mutation.mutant import Mutant
from tests.support.command_runner import ROOT
from tests.support.figures import Figures

MUTANTS = (
    *rule_mutants.MUTANTS,
    *effect_mutants.MUTANTS,
    *limit_mutants.MUTANTS,
    *money_mutants.MUTANTS,
    *team_mutants.MUTANTS,
    *wallet_mutants.MUTANTS,
)
COPIED = ("adapters", "domain", "entrypoints", "ports", "tests", "pyproject.toml")
PASSED, FAILED = 0, 1  # What pytest exits with; anything else is no verdict.
TIMEOUT_S = 300


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, in which all tests of all mutants pass."""
    folder = tmp_path_factory.mktemp("mutants") / "copy"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run(copy: Path, *tests: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


@contextmanager
def made(mutant: Mutant, copy: Path) -> Iterator[None]:
    """The defect is in the copy while the block runs."""
    file = copy / mutant.file
    sound = file.read_text()
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        yield
    finally:
        file.write_text(sound)


def test_every_mutant_is_a_change_of_one_place_that_compiles() -> None:
    files = {mutant.file: ROOT / mutant.file for mutant in MUTANTS}
    texts = {name: file.read_text() if file.is_file() else "" for name, file in files.items()}
    changed = [(mutant, texts[mutant.file]) for mutant in MUTANTS]

    assert [] == [mutant.name for mutant, text in changed if text.count(mutant.old) != 1]
    assert [] == [mutant.name for mutant in MUTANTS if mutant.new == mutant.old]
    for mutant, text in changed:
        compile(text.replace(mutant.old, mutant.new), mutant.name, "exec")


def test_every_mutant_has_a_name_of_its_own_and_tests_that_are_there() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for test in {test for mutant in MUTANTS for test in mutant.tests}:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text() if name else (ROOT / file).is_file(), test


@pytest.mark.soak
def test_without_a_defect_the_tests_of_all_mutants_pass(copy: Path) -> None:
    ran = run(copy, *sorted({test for mutant in MUTANTS for test in mutant.tests}))

    assert ran.returncode == PASSED, ran.stdout


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_each_mutant_is_killed(copy: Path, figures: Figures, mutant: Mutant) -> None:
    with made(mutant, copy):
        ran = run(copy, *mutant.tests)

    figures.add({"mutants": 1, "mutants killed": int(ran.returncode == FAILED)})
    assert ran.returncode == FAILED, f"{mutant.name}: {mutant.tests} do not see it\n{ran.stdout}"
