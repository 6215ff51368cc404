"""The form of commands: a noun with or without a verb, an error in one line, a help with an example."""

import argparse
import re
from typing import Any, NoReturn

from entrypoints.actions import NOUNS

Parser = argparse.ArgumentParser
_NOUNS = {
    **{noun: meaning for noun, (meaning, _) in NOUNS.items()},
    "config": "the settings",
    "database": "where the books are kept",
}


# A secret may be typed by mistake after these commands, so errors repeat no argument of theirs.
_SECRETIVE = "credential add"
_QUOTED = re.compile(r"'.*'|(?<=--)[^ ]*=[^ ]*", re.DOTALL)


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line with a reference to the help."""

    def error(self, message: str) -> NoReturn:
        if self.prog.endswith(_SECRETIVE):
            message = _QUOTED.sub("what was given", message)
        self.exit(2, f"aihub: {message}; see `{self.prog} --help`\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The parsed arguments. Superfluous ones are counted and not repeated, since one may be a secret."""
        parsed, extras = self.parse_known_args(args, namespace)
        if extras:
            options = [_option(extra) for extra in extras if extra.startswith("--")]
            named = f" ({', '.join(options)})" if options else ""
            self.error(f"{len(extras)} more than the command takes{named}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Report an unknown command in one line; argparse would list all commands."""
        if isinstance(action.choices, dict) and value not in action.choices:
            from difflib import get_close_matches

            near = get_close_matches(value, action.choices, n=1)
            named = f" {value!r}" if near or value.isalpha() else " of that name"
            self.error(f"there is no command{named}" + (f", did you mean {near[0]!r}?" if near else ""))
        super()._check_value(action, value)


class Version(argparse.Action):
    """`--version`; the installed version is looked up only on request, since that is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"aihub {version('aihub')}")
        parser.exit(0)


class Help(argparse.RawDescriptionHelpFormatter):
    """argparse's formatter, with room for the longest command, whose indent it does not count."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)
        self._action_max_length = max(map(len, _NOUNS)) + 4


class Commands:
    """Adds commands, a noun with or without a verb, to a parser; the table above describes the nouns."""

    def __init__(self, parser: Parser) -> None:
        self._top = parser.add_subparsers(title="commands", metavar="COMMAND")
        self._nouns: dict[str, Any] = {}

    def name(self, noun: str, meaning: str) -> None:
        """Add a noun, or a command without a verb, to the help only."""
        self._top.add_parser(noun, help=meaning)

    def add(self, name: str, meaning: str, example: str) -> Parser:
        noun, _, verb = name.partition(" ")
        place = self._top
        if verb:
            if noun not in self._nouns:
                under = self._top.add_parser(
                    noun, help=_NOUNS[noun], description=_sentence(_NOUNS[noun]), formatter_class=Help
                )
                under.set_defaults(incomplete=under)
                self._nouns[noun] = under.add_subparsers(title="commands", metavar="VERB")
            place = self._nouns[noun]
        command: Parser = place.add_parser(
            verb or noun,
            help=meaning,
            description=_sentence(meaning),
            epilog=f"example:\n  {example}",
            formatter_class=Help,
        )
        command.add_argument("--json", action="store_true", help="print JSON, for scripts")
        command.set_defaults(command=name)
        return command


def _option(text: str) -> str:
    """The option without its value."""
    name = text.partition("=")[0]
    return name if re.fullmatch(r"--[a-z][a-z0-9-]{0,30}", name) else "--…"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
