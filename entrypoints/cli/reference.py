"""The command part of docs/reference.md, made from the commands themselves: `make reference` writes it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from entrypoints.actions.action import every_action
from entrypoints.actions.paths import places
from entrypoints.cli.parser import build_parser

BEGIN = "<!-- commands: made by `make reference`; change the action table instead -->\n"
END = "<!-- end of commands -->\n"


def commands_as_markdown() -> str:
    """Two tables: every command with its effect, and every argument with its meaning."""
    actions = every_action()
    served = {place.action.name: f"`{place.method} {place.template}`" for place in places()}
    commands = ["| command | over HTTP | what it does |", "|---|---|---|"]
    arguments = ["| command | argument | meaning |", "|---|---|---|"]
    for name, command in _commands(build_parser(), ()):
        details = actions[name].details if name in actions else ""
        meaning = " ".join(filter(None, (command.description, details)))
        commands.append(f"| `aihub {name}` | {served.get(name, '')} | {_cell(meaning)} |")
        for argument in command._actions:
            if not {"--help", "--json"} & {*argument.option_strings}:
                arguments.append(f"| `aihub {name}` | {_written(argument)} | {_cell(argument.help or '')} |")
    return "\n".join((*commands, "", *arguments, ""))


def renewed(text: str) -> str:
    """The reference with its command part as the commands are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{commands_as_markdown()}\n{END}{after}"


def main() -> None:
    """Write the part into the file that is named."""
    file = Path(sys.argv[1])
    file.write_text(renewed(file.read_text()))


def _commands(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(path), parser
    for action in below:
        for name, command in action.choices.items():
            yield from _commands(command, (*path, name))


def _written(argument: argparse.Action) -> str:
    """`NAME`, `--role owner|admin|guest` or `--apply`; required options in bold."""
    if not argument.option_strings:
        return f"`{argument.metavar}`"
    value = "" if argument.nargs == 0 else argument.metavar or "|".join(argument.choices or (argument.dest.upper(),))
    written = _cell(f"`{' '.join(filter(None, (argument.option_strings[0], str(value))))}`")
    return f"{written} (required)" if argument.required else written


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
