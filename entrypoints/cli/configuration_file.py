"""A configuration file: YAML, TOML or JSON, read so that an error names the file, the line and the path.

Numbers with a point and dates stay as they are written, because amounts are exact.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import yaml

from entrypoints.cli.mistakes import mistake_in
from entrypoints.cli.output import Complaint, Output
from entrypoints.secret_references import is_reference
from entrypoints.usecases.manage.configuration.actions import FIELD
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.public_types import read, written

FILE_BYTES_MAX = 8 * 2**20
_YAML_TEXTS = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file states, as JSON has it, and the lines of its paths where they are known."""

    name: str
    value: Any
    lines: Mapping[str, int] = {}

    def place(self, path: str) -> str:
        """`hub.yaml:12: providers.openai.weight`, with the line of the nearest thing that has one."""
        at = path
        while at and at not in self.lines:
            at = at[: max(at.rfind("."), at.rfind("["))] if ("." in at or "[" in at) else ""
        line = self.lines.get(at)
        return f"{self.name}{'' if line is None else f':{line}'}{f': {path}' if path else ''}"


def read_file(path: str) -> ReadFile:
    """The file, by the end of its name; `-` is YAML from standard input. Complaint if it cannot be read."""
    name = "standard input" if path == "-" else path
    try:
        content = sys.stdin.buffer.read(FILE_BYTES_MAX + 1) if path == "-" else Path(path).read_bytes()
        if len(content) > FILE_BYTES_MAX:
            raise Complaint(f"{name}: a configuration file has at most {FILE_BYTES_MAX} bytes")
        text = content.decode("utf-8-sig")
        if path.endswith(".toml"):
            return ReadFile(name=name, value=_plain(tomllib.loads(text, parse_float=str)))
        return _yaml(name, text)
    except OSError as error:
        raise Complaint(f"{name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Complaint(f"{name}: the file is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Complaint(f"{name}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Complaint(f"{name}{f':{mark.line + 1}' if mark else ''}: {error.problem or error}") from None
    except yaml.YAMLError as error:
        raise Complaint(f"{name}: {error}") from None
    except RecursionError:
        raise Complaint(f"{name}: it is nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """YAML's plain values only, with numbers and dates as texts, and no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and isinstance(key.value, str):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value!r} is stated twice", key.start_mark
                    )
                seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


for _tag in _YAML_TEXTS:
    _Loader.add_constructor(_tag, lambda loader, node: loader.construct_scalar(node))


def _yaml(name: str, text: str) -> ReadFile:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return ReadFile(name=name, value={})
        return ReadFile(name=name, value=loader.construct_document(node), lines=dict(_lines(node, "", set())))
    finally:
        loader.dispose()


def _lines(node: Any, path: str, above: set[int]) -> Iterable[tuple[str, int]]:
    """The line of each path; what an anchor repeats within itself is left out."""
    if id(node) in above:
        return
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = f"{path}.{key.value}" if path else str(key.value)
            yield below, key.start_mark.line + 1
            yield from _lines(value, below, inside)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield f"{path}[{n}]", value.start_mark.line + 1
            yield from _lines(value, f"{path}[{n}]", inside)


def _plain(value: Any) -> Any:
    """TOML's value as JSON has it: moments as texts."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [*map(_plain, value)]
    return value.isoformat() if hasattr(value, "isoformat") else value


def document_of(file: ReadFile, now_ms: int) -> Document:
    """The document of the file. Complaint with the place of what it cannot have."""
    try:
        return msgspec.convert(file.value or {}, Document, dec_hook=partial(read, now_ms))
    except msgspec.ValidationError:
        path, problem = mistake_in(file.value, Document, now_ms, "") or ("", "it is no configuration")
        raise Complaint(f"{file.place(path)}: {problem}") from None


class Places(Mapping[str, str]):
    """The places in a file of the fields that a refusal names."""

    def __init__(self, file: ReadFile) -> None:
        self._file = file

    def get(self, field: str, default: Any = None) -> Any:
        path = field.removeprefix(FIELD).lstrip(".")
        return self._file.place(path) if field.startswith(FIELD) else default

    def __getitem__(self, field: str) -> str:
        if (place := self.get(field)) is None:
            raise KeyError(field)
        return str(place)

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def references_in(document: Document) -> set[str]:
    """Every reference to a secret that the document has."""
    found = (held.secret for entry in document.providers.values() for held in entry.credentials.values())
    return {reference for reference in found if isinstance(reference, str)}


def secrets_of(references: Iterable[str]) -> dict[str, str]:
    """The secrets that can be found; what is not there is left out. Complaint if a reference is none, or unreadable."""
    return {reference: secret for reference in references if (secret := _secret(reference))}


def _secret(reference: str) -> str | None:
    if reference.startswith("env:"):
        return _of_variable(*reference.removeprefix("env:").partition("#")[::2])
    if reference.startswith("file:"):
        try:
            return Path(reference.removeprefix("file:")).expanduser().read_text().strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Complaint(f"{reference} cannot be read: {error}") from None
    if is_reference(reference):
        from entrypoints.wiring import environment_with_secrets

        return environment_with_secrets({"AIHUB_MASTER_KEY": reference})["AIHUB_MASTER_KEY"]
    raise Complaint("a secret in the file is no reference: write env:NAME, file:PATH or a reference to AWS")


def _of_variable(name: str, number: str) -> str | None:
    """The variable's secret; of several, separated by commas, the one of that number."""
    parts = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
    if not number:
        if len(parts) > 1:
            raise Complaint(f"env:{name} holds several secrets: write env:{name}#1 for the first of them")
        return parts[0] if parts else None
    return parts[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(parts) else None


def as_text(document: Document, form: str) -> str:
    """The document as a file."""
    stated = _without_none(msgspec.to_builtins(document, enc_hook=written))
    if form == "toml":
        import tomli_w

        return tomli_w.dumps(stated).rstrip("\n")
    text: str = yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, width=1000)
    return text.rstrip("\n")


def _without_none(value: Any) -> Any:
    """The same with lists for tuples, and without what is none, which TOML cannot write."""
    if isinstance(value, dict):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return [*map(_without_none, value)] if isinstance(value, list | tuple) else value


def exported(form: str, document: Document) -> Output:
    """The file on standard output, and a note of where its secrets are to be put."""
    missing = sorted(references_in(document))
    note = f"no secret is in it; put them where it says: {', '.join(missing)}" if missing else ""
    return Output(text=as_text(document, form), note=note)
