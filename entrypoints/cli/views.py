"""How replies are shown to people: `entrypoints.cli.rates` has the views of `entrypoints.actions.rates`."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from entrypoints.actions import NOUNS
from entrypoints.cli.output import Output, Views


def view_of(name: str) -> Callable[[Any, Any], Output] | None:
    """The view of the action of that name, of its request and its reply; None if it has none, being streamed."""
    module = NOUNS[name.partition(" ")[0]].module
    views: Views = import_module(module.replace(".actions.", ".cli.")).VIEWS
    return views.get(name)
