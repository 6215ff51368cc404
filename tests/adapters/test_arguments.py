"""Arguments of earlier calls as objects, whatever a model or a client made of them."""

import json

import pytest

from adapters.providers.tool_arguments import arguments_object


@pytest.mark.parametrize(("arguments", "sent"), [
    ("",                       {}),
    (" ",                      {}),
    ("null",                   {}),
    ("{}",                     {}),
    ('{"city":"Oslo"}',        {"city": "Oslo"}),
    ('{}{"city":"Oslo"}',      {"city": "Oslo"}),                    # Claude's first word for no arguments
    ('{}\n{} {"city":"Oslo"}', {"city": "Oslo"}),
    ('{"city":"Os',            {"input": '{"city":"Os'}),            # cut by the output cap
    ("[1]",                    {"input": "[1]"}),
    ("Oslo",                   {"input": "Oslo"}),
    ("{}{}",                   {}),
])  # fmt: skip
def test_arguments_are_always_an_object(arguments: str, sent: object) -> None:
    assert sent == json.loads(bytes(arguments_object(arguments)))


def test_arguments_that_are_an_object_stay_as_they_are_spelled() -> None:
    assert b'{"x":  1.50}' == bytes(arguments_object('{"x":  1.50}'))
