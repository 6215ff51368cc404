"""How commands are shaped: words of one kind or two, a complaint in one line, a help with an example."""

import argparse
import re
from typing import Any, NoReturn

from entrypoints.actions import NOUNS

Parser = argparse.ArgumentParser
_NOUNS = {
    **{noun: meaning for noun, (meaning, _) in NOUNS.items()},
    "rate": "what models are sold for",
    "price": "what providers ask, in dollars",
    "call": "what was called, used and charged",
    "config": "the settings",
}


# The commands that a secret may be typed after, although it is read elsewhere: no argument is repeated.
_SECRETIVE = "credential add"
_QUOTED = re.compile(r"'.*'|(?<=--)[^ ]*=[^ ]*", re.DOTALL)


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line with the way to the help."""

    def error(self, message: str) -> NoReturn:
        if self.prog.endswith(_SECRETIVE):
            message = _QUOTED.sub("what was given", message)
        self.exit(2, f"aihub: {message}; see `{self.prog} --help`\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What the words mean. Superfluous ones are counted and not repeated, for one may be a secret."""
        parsed, extras = self.parse_known_args(args, namespace)
        if extras:
            options = [_option(word) for word in extras if word.startswith("--")]
            named = f" ({', '.join(options)})" if options else ""
            self.error(f"{len(extras)} more than the command takes{named}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Of a wrong command, argparse would list all that there are."""
        if isinstance(action.choices, dict) and value not in action.choices:
            from difflib import get_close_matches

            near = get_close_matches(value, action.choices, n=1)
            named = f" {value!r}" if near or value.isalpha() else " of that name"
            self.error(f"there is no command{named}" + (f", did you mean {near[0]!r}?" if near else ""))
        super()._check_value(action, value)


class Version(argparse.Action):
    """`--version`; what is installed is looked up when it is asked for, since that takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"aihub {version('aihub')}")
        parser.exit(0)


class Help(argparse.RawDescriptionHelpFormatter):
    """argparse's own, with room for the longest command, which it forgets to indent."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)
        self._action_max_length = max(map(len, _NOUNS)) + 4


class Commands:
    """Adds commands of one word or two to a parser; what a first word stands for is told in the table above."""

    def __init__(self, parser: Parser) -> None:
        self._top = parser.add_subparsers(title="commands", metavar="COMMAND")
        self._nouns: dict[str, Any] = {}

    def name(self, noun: str, meaning: str) -> None:
        """A noun, or a command of one word, that is in the help and is not built."""
        self._top.add_parser(noun, help=meaning)

    def add(self, words: str, meaning: str, example: str) -> Parser:
        noun, _, verb = words.partition(" ")
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
        command.set_defaults(command=words)
        return command


def _option(word: str) -> str:
    """The option without its value."""
    name = word.partition("=")[0]
    return name if re.fullmatch(r"--[a-z][a-z0-9-]{0,30}", name) else "--…"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
