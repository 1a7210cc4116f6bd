"""Errors of a command line in one sentence, by a hook of tyro (`tyro._errors`, as of 1.0.17), which
would draw boxes."""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from difflib import SequenceMatcher
from io import StringIO
from typing import Any

from tyro import _errors as refusals

from configs import BAD_INPUT
from configs.verbs import Verb

Parse = Callable[[Sequence[str]], object]
"""Words of a command line → options, or a SystemExit."""
KINDS = {"INT": "a whole number", "FLOAT": "a number"}
"""Values that are no words, as the help names them."""
ALIKE = 0.75  # least similarity of a suggested option to the one typed


def in_one_sentence(
    prog: str, verb: Verb, parse: Parse
) -> Callable[[refusals.ParseErrorEvent], None]:
    """A hook for tyro that says what is wrong and exits."""

    def refuse(event: refusals.ParseErrorEvent) -> None:
        if said := _said(event, prog, verb, parse):
            print(f"error: {said}; see {prog} --help", file=sys.stderr)
            sys.exit(BAD_INPUT)

    return refuse


def _said(event: refusals.ParseErrorEvent, prog: str, verb: Verb, parse: Parse) -> str | None:
    match event:
        case refusals.UnrecognizedArgs(tokens=tokens):
            return _unknown(tokens, verb, parse)
        case refusals.MissingArgs(unrecognized_tokens=[_, *_] as tokens):
            return _unknown(tokens, verb, parse)
        case refusals.MissingArgs(missing_arguments=missing):
            return f"{' and '.join(_name(each.arg) for each in missing)} must be given"
        case refusals.BadValue(argument=option, offending_value=None):
            return f"{_name(option)}: wants a value after it"
        case refusals.InvalidChoice(argument=option, value=value, choices=choices):
            return f"{_name(option)} {value}: must be one of {', '.join(choices)}"
        case refusals.InstantiationFailure(argument=option) if option is not None:
            return f"{_name(option)}: must be {_kind(option)}"
    return None


def _unknown(tokens: Sequence[str], verb: Verb, parse: Parse) -> str:
    """The sentence about words that belong to no option."""
    strange = next((token for token in tokens if token.startswith("-")), None)
    if strange is None:
        unnamed = " and ".join(word.removeprefix("--").upper() for word in verb.words)
        hint = f"; only {unnamed} may go unnamed, at the beginning" if unnamed else ""
        return f"{tokens[0]}: belongs to no option{hint}"
    name = strange.partition("=")[0]
    likeness, near = max((_likeness(name, option), option) for option in _options(parse))
    hint = f"; did you mean {near}?" if likeness[0] >= ALIKE else ""
    return f"{name}: there is no such option{hint}"


def _likeness(name: str, option: str) -> tuple[float, float]:
    """How much a word is spelt like an option or a part of it, and like all of it."""
    whole = option.strip("-")
    parts = (whole, *re.split(r"[.-]", whole))
    alike = [SequenceMatcher(None, name.strip("-").lower(), part).ratio() for part in parts]
    return max(alike), alike[0]


def _options(parse: Parse) -> list[str]:
    """The names of all options, as the help lists them."""
    said = StringIO()
    with redirect_stdout(said), suppress(SystemExit):
        parse(["--help"])
    return re.findall(r"^[│ ] (--[\w.-]+)", said.getvalue(), re.MULTILINE)


def _name(option: Any) -> str:
    return option.lowered.name_or_flags[0]


def _kind(option: Any) -> str:
    """What the value of an option must be."""
    metavar = str(option.lowered.metavar)
    return next((kind for name, kind in KINDS.items() if name in metavar), metavar)
