"""The method and path of each action: derived, so that an action that is added to the table is served at once.

| verb of the action            | method and path                  |
|-------------------------------|----------------------------------|
| `list`                        | `GET /api/v1/users`              |
| `show`                        | `GET /api/v1/users/{name}`       |
| `add`, `create`               | `POST /api/v1/users`             |
| `set`                         | `PUT /api/v1/users/{name}`       |
| `change`                      | `PATCH /api/v1/users/{name}`     |
| `remove`, `revoke`            | `DELETE /api/v1/users/{name}`    |
| `test`                        | `POST /api/v1/credentials/test`  |
| another one that changes      | `POST /api/v1/users/{name}/verb` |
| another one that only reads   | `GET /api/v1/users/{name}/verb`  |
| with a document to read       | `POST /api/v1/users/{name}/verb` |

The first positional argument of the command line names the thing, and stands in the path. A noun that has no list is
in the singular: `POST /api/v1/ledger/verify`. A model's name contains slashes, so it can only be the end of a path:
elsewhere it is a field of the query or the body.
"""

from typing import Any

import msgspec

from entrypoints.actions.action import Action, every_action

PREFIX = "/api/v1"

# What belongs to the machine of the hub: these write or read files there.
ONLY_COMMANDS = frozenset(("backup", "master-key rotate", "import aigne"))

_METHODS = {"list": "GET", "show": "GET", "add": "POST", "create": "POST", "set": "PUT"}
_METHODS |= {"change": "PATCH", "remove": "DELETE", "revoke": "DELETE"}
_WITHOUT_NAME = frozenset(("list", "add", "create", "test"))
_WITH_SLASHES = "model"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an action is served. `named` is the field in the path; the others are in the query, or in the body."""

    action: Action[Any, Any]
    method: str
    template: str
    named: str | None = None

    @property
    def has_body(self) -> bool:
        """Whether the fields that are not in the path come as JSON, and not in the query."""
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def is_creation(self) -> bool:
        """Whether the action makes a thing that did not exist before."""
        return self.action.name.partition(" ")[2] in ("add", "create")


def places() -> tuple[Place, ...]:
    """Where every action is served that is offered over HTTP, by path."""
    table = every_action()
    listed = frozenset(name.partition(" ")[0] for name in table if name.endswith(" list"))
    found = [_place(action, listed) for name, action in table.items() if name not in ONLY_COMMANDS]
    return tuple(sorted(found, key=lambda place: (place.template, place.method)))


def _place(action: Action[Any, Any], listed: frozenset[str]) -> Place:
    noun, _, verb = action.name.partition(" ")
    sends = action.is_change or not _fits_query(action)
    method = _METHODS.get(verb) or ("POST" if sends else "GET")
    words = [PREFIX, _plural(noun) if noun in listed else noun]
    named = None if verb in _WITHOUT_NAME else _named(action)
    is_last = verb in _METHODS
    if named == _WITH_SLASHES and not is_last:
        named = None
    if named is not None:
        words.append(f"{{{named}:path}}" if named == _WITH_SLASHES else f"{{{named}}}")
    if verb and not is_last:
        words.append(verb)
    return Place(action=action, method=method, template="/".join(words), named=named)


def _fits_query(action: Action[Any, Any]) -> bool:
    """Whether every field of the request is a value or a list of values: a query can hold no document."""
    described = msgspec.inspect.type_info(action.request)
    assert isinstance(described, msgspec.inspect.StructType)
    return all(_is_value(field.type) for field in described.fields)


def _is_value(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.Metadata(type=inner):
            return _is_value(inner)
        case msgspec.inspect.UnionType(types=parts):
            return all(map(_is_value, parts))
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return _is_value(item)
        case msgspec.inspect.StructType() | msgspec.inspect.DictType() | msgspec.inspect.RawType():
            return False
    return True


def _named(action: Action[Any, Any]) -> str | None:
    """The field of the first positional argument."""
    return next((argument.field for argument in action.arguments if not argument.word.startswith("-")), None)


def _plural(noun: str) -> str:
    """`user` → `users`, `alias` → `aliases`."""
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
