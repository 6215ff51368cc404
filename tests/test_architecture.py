"""What import contracts cannot see, read from the syntax: the domain is pure, generators hold no cancel scope."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from domain.accounts.rows import Role

ROOT = Path(__file__).parents[1]
ROOMS = ("domain", "ports", "adapters", "entrypoints")
LINES_MAX = 320
FUNCTION_LINES_MAX = 50
DOMAIN_ENTRIES_MAX = 14
PACKAGE_MODULES_MAX = 12


def _modules(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def test_the_domain_awaits_nothing_and_knows_no_fraction() -> None:
    """Money is whole nanos: no float, no `/`, no round(); and `//` on money stands in `money.py` alone."""
    impure = [
        f"{path}:{node.lineno}"
        for path, tree in _modules("domain")
        for node in ast.walk(tree)
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith))
        or (isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Name) and node.id in ("float", "round"))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]

    assert [] == impure


def test_only_money_divides_money() -> None:
    dividing = {
        path.name
        for path, tree in _modules("domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.FloorDiv, ast.Mod))
        and any("nanos" in ast.unparse(side).lower() for side in (node.left, node.right))
    }

    assert {"money.py"} == dividing


def test_no_async_generator_yields_inside_a_cancel_scope_or_a_task_group() -> None:
    """It would raise when it is closed early, and leave the WSGI portal broken for good.

    A context manager may: one task enters and leaves it.
    """
    guilty = [
        f"{path}:{inner.lineno}"
        for path, tree in _modules(*ROOMS)
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef) and not _is_context_manager(function)
        for block in ast.walk(function)
        if isinstance(block, (ast.With, ast.AsyncWith)) and _guards(block)
        for inner in ast.walk(block)
        if isinstance(inner, (ast.Yield, ast.YieldFrom))
    ]

    assert [] == guilty


def test_whether_a_key_is_valid_is_decided_in_one_place() -> None:
    """Elsewhere only the changes of keys, and the view that shows when one was revoked, name the field."""
    rule, rows, view = (
        "domain/accounts/identity.py",
        "domain/accounts/rows.py",
        "entrypoints/usecases/manage/key_terms.py",
    )
    changes = {"domain/management/changes.py", "domain/management/account_changes.py"}
    naming = {
        str(path)
        for path, tree in _modules(*ROOMS)
        for node in ast.walk(tree)
        if _names(node, "revoked_ms") and path.parts[:2] != ("adapters", "storage")
    }

    assert {rule, rows, view, *changes} == naming


def test_only_the_identity_use_case_looks_callers_up() -> None:
    looking = {
        str(path)
        for path, tree in _modules("entrypoints")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "caller" and ast.unparse(node.value).endswith("storage")
    }

    assert {"entrypoints/usecases/identity.py"} == looking


def test_roles_are_compared_by_the_table_of_permissions_alone() -> None:
    comparing = [
        f"{path}:{node.lineno}"
        for path, tree in _modules(*ROOMS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Constant) and side.value in get_args(Role) for side in ast.walk(node))
    ]

    assert [] == comparing


def test_every_public_function_and_class_is_documented() -> None:
    bare = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in _modules(*ROOMS)
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert [] == bare


def test_no_file_is_longer_than_one_noun_needs() -> None:
    rooms = (*ROOMS, "tests", "bench")
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if (lines := len(path.read_text().splitlines())) > LINES_MAX
    ]

    assert [] == long


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}: {lines} lines"
        for path, tree in _modules(*ROOMS, "bench")
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert [] == long


def test_the_domain_can_be_seen_at_a_glance() -> None:
    """Few packages and modules on its floor, and few modules in each package."""
    modules = [path.relative_to(ROOT / "domain") for path in (ROOT / "domain").rglob("*.py")]
    of_package = Counter(path.parent for path in modules if path.name != "__init__.py")
    entries = {path.parts[0] for path in modules} - {"__init__.py"}

    assert len(entries) <= DOMAIN_ENTRIES_MAX, sorted(entries)
    assert {} == {str(package): count for package, count in of_package.items() if count > PACKAGE_MODULES_MAX}


def test_every_module_of_the_domain_is_in_the_map_of_its_package() -> None:
    """The docstring of a package lists each module and package in it with one line, and nothing that is not there."""
    wrong = []
    for init in sorted((ROOT / "domain").rglob("__init__.py")):
        mapped = set(re.findall(r"^    (\w+)  +\S", ast.get_docstring(ast.parse(init.read_text())) or "", re.M))
        inside = {path.stem for path in init.parent.glob("*.py")} | {
            path.parent.name for path in init.parent.glob("*/*.py")
        }
        wrong += [f"{init.relative_to(ROOT)}: {name}" for name in sorted(mapped ^ (inside - {"__init__"}))]

    assert [] == wrong


def test_the_template_is_the_only_thing_lambda_needs_to_know() -> None:
    """The handler that `template.yaml` names exists, under that name."""
    named = next(
        line.split(":")[1].strip()
        for line in (ROOT / "template.yaml").read_text().splitlines()
        if line.strip().startswith("Handler:")
    )
    module, _, name = named.rpartition(".")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    assigned = [
        t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
    ]

    assert name in assigned


def _names(node: ast.AST, field: str) -> bool:
    """Whether a node reads, sets or declares the field."""
    return (
        (isinstance(node, ast.Attribute) and node.attr == field)
        or (isinstance(node, ast.Name) and node.id == field)
        or (isinstance(node, ast.keyword) and node.arg == field)
        or (isinstance(node, ast.Constant) and node.value == field)
    )


def _is_context_manager(function: ast.AsyncFunctionDef) -> bool:
    return any("contextmanager" in ast.unparse(decorator) for decorator in function.decorator_list)


def _guards(block: ast.With | ast.AsyncWith) -> bool:
    words = ("CancelScope", "create_task_group", "move_on_after", "fail_after", "timeout(")
    return any(word in ast.unparse(item.context_expr) for item in block.items for word in words)
