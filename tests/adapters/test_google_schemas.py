"""JSON Schema for Gemini: unchanged where possible, else replaced by an equivalent."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.google.schema import cleaned, is_narrowed


def raw(schema: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(schema).encode())


def said(schema: Any) -> Any:
    return json.loads(bytes(cleaned(raw(schema))))


def test_a_schema_that_gemini_takes_goes_byte_for_byte() -> None:
    schema = msgspec.Raw(b'{ "type": "object", "properties": {"a": {"type": ["string","null"], "pattern": "^x"}} }')

    assert bytes(schema) == bytes(cleaned(schema))


@pytest.mark.parametrize(
    ("schema", "reported"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"}, {"type": "string"}),
        ({"const": "cat"}, {"type": "string", "enum": ["cat"]}),
        ({"const": True}, {"type": "boolean", "enum": [True]}),
        ({"const": 3, "type": "number"}, {"type": "number", "enum": [3]}),
        ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"const": 1}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer", "enum": [1]}}},
        ),
        ({"$ref": "#/$defs/A", "description": "d"}, {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}),
        ({"allOf": [{"$ref": "#/$defs/A"}], "title": "t"}, {"anyOf": [{"$ref": "#/$defs/A"}], "title": "t"}),
        # A property, a default and a value may have any name.
        (
            {"properties": {"$ref": {"const": 1}}, "default": {"const": 1}},
            {"properties": {"$ref": {"type": "integer", "enum": [1]}}, "default": {"const": 1}},
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"const": 1}}, "required": ["a"]},
                    {"type": "object", "properties": {"b": {}}},
                ],
                "description": "both",
            },
            {
                "description": "both",
                "type": "object",
                "properties": {"a": {"type": "integer", "enum": [1]}, "b": {}},
                "required": ["a"],
            },
        ),
        ({"items": {"oneOf": [{"const": "a"}]}}, {"items": {"oneOf": [{"type": "string", "enum": ["a"]}]}}),
    ],
)
def test_keywords_that_gemini_rejects_or_ignores_are_replaced(schema: Any, reported: Any) -> None:
    assert reported == said(schema)
    assert not is_narrowed(raw(schema))


@pytest.mark.parametrize(
    ("schema", "reported"),
    [
        ({"allOf": [{"pattern": "^a"}, {"pattern": "b$"}], "type": "string"}, {"type": "string", "pattern": "^a"}),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "integer"}}}]},
            {"properties": {"a": {"type": "string"}}},
        ),
        ({"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}, {"$ref": "#/$defs/A"}),
        ({"allOf": [{"enum": [1]}, {"enum": [2]}]}, {"enum": [1]}),
        (
            {"properties": {"a": {"items": {"allOf": [{"pattern": "a"}, {"pattern": "b"}]}}}},
            {"properties": {"a": {"items": {"pattern": "a"}}}},
        ),
    ],
)
def test_of_several_schemas_that_cannot_be_one_the_first_stays(schema: Any, reported: Any) -> None:
    assert reported == said(schema)
    assert is_narrowed(raw(schema))


@pytest.mark.parametrize(
    ("schema", "reported"),
    [
        ({"allOf": [{"type": "object"}, {"minProperties": 1}]}, {"type": "object", "minProperties": 1}),
        ({"allOf": [{"type": "string"}, {}]}, {"type": "string"}),
        (
            {"allOf": [{"minLength": 1, "maxLength": 9}, {"minLength": 3, "maxLength": 7}]},
            {"minLength": 3, "maxLength": 7},
        ),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, {"enum": [2]}),
        (
            {"allOf": [{"$ref": "#/$defs/A"}], "anyOf": [{"type": "string"}]},
            {"anyOf": [{"type": "string"}], "$ref": "#/$defs/A"},
        ),
    ],
)
def test_schemas_that_must_hold_at_once_become_one(schema: Any, reported: Any) -> None:
    assert reported == said(schema)
    assert not is_narrowed(raw(schema))


def test_a_property_may_be_called_all_of() -> None:
    assert not is_narrowed(raw({"properties": {"allOf": {"enum": [["allOf", "x"]]}}}))


_UNIT = st.sampled_from([{"type": "string"}, {"const": "x"}, {"$ref": "#/$defs/A"}, True])
_SCHEMAS = st.recursive(
    _UNIT,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=3), inner)}),
        st.fixed_dictionaries({"items": inner, "description": st.text(max_size=3)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, max_size=1)}),
    ),
    max_leaves=8,
)


@given(_SCHEMAS)
def test_cleaning_twice_is_cleaning_once(schema: Any) -> None:
    once = cleaned(raw(schema))

    assert json.loads(bytes(once)) == json.loads(bytes(cleaned(once)))
