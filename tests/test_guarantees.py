"""Each guarantee of docs/guarantees.md has tests, which are there and name it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(r"^\| G(\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", (ROOT / "docs" / "guarantees.md").read_text(), re.M)
NAMED = [(int(number), test) for number, _, tests, _ in ROWS for test in re.findall(r"`([^`]+)`", tests)]


def test_every_guarantee_has_a_row_and_a_test() -> None:
    assert list(range(1, 28)) == [int(number) for number, *_ in ROWS]
    assert {int(number) for number, *_ in ROWS} == {number for number, _ in NAMED}


@pytest.mark.parametrize(("number", "test"), NAMED)
def test_a_test_that_proves_a_guarantee_is_there_and_names_it(number: int, test: str) -> None:
    path, _, name = test.partition("::")
    module = ast.parse((ROOT / path).read_text())
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    documented = f"{ast.get_docstring(functions[name]) or ''} {ast.get_docstring(module) or ''}"

    assert re.search(rf"\bG{number}\b", documented), f"{test} does not name G{number}"
