"""How every command runs: parse, import, call, and turn bad input into one sentence.

Errors of a command line are taken by a hook of tyro (`tyro._errors`, as of 1.0.17), which would
draw boxes.
"""

import gc
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout, suppress
from dataclasses import MISSING, fields, is_dataclass
from difflib import SequenceMatcher
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any, Never

import tyro
from tyro import _docstrings
from tyro import _errors as refusals

from common.errors import InputError, mendable
from configs import BAD_INPUT, VERSION
from configs.verbs import Verb


class Stopped(KeyboardInterrupt):
    """A signal told the process to end: it unwinds everything, so that cleaning up happens."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_verb(prog: str, verb: Verb, words: Sequence[str]) -> None:
    """Parse the words of a command line into the verb's options, and run it.

    InputError and OSError are the user's to mend: their message becomes the last line on stderr
    and the exit status is 2. Any other exception is a mistake of ours and keeps its traceback.
    Signals that end the process (Ctrl-C, termination, a closed terminal) first clean up and exit
    with 128 plus their number; once the work has ended they change nothing any more.
    Set VOICESPLAT_TRACEBACK=1 to see where an error was raised.
    """
    options = parse(prog, verb, words)
    if verb.draws and not Path("/dev/nvidiactl").exists():  # else CUDA may draw
        import_module("splat.cpu.frame").begin_compiling()
    command = named(verb.command)
    if verb.loads:
        import_module(verb.loads)
    gc.freeze()
    gc.enable()
    _run(command, options, verb, [prog, *words])


def check_named(options: Any) -> None:
    """Raise InputError where a list that must be given, here or nested, is given without a word."""
    for option in fields(options):
        value = getattr(options, option.name)
        if is_dataclass(value):
            check_named(value)
        elif value == () and option.default is MISSING:
            raise InputError(f"--{option.name.replace('_', '-')}: name at least one")


def _run(command: Callable[[Any], None], options: object, verb: Verb, words: Sequence[str]) -> None:
    _on_signals(_stop)
    try:
        try:
            check_named(options)
            with _local_options(options, verb, words) as local:
                command(local)
        finally:
            _on_signals(signal.SIG_IGN)  # what the exit status is, is decided
    except Exception as error:
        _explain(error, verb, words)
    except Stopped as stopped:
        _say_stopped(stopped, verb)


def _on_signals(handler: Callable[[int, FrameType | None], Never] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _local_options(options: Any, verb: Verb, words: Sequence[str]) -> AbstractContextManager[Any]:
    """The options with paths of this machine in place of URLs, which some verbs take. InputError
    where another is given one."""
    if not any("://" in word for word in words):
        return nullcontext(options)
    from configs.uri_options import local_options, uris_of  # noqa: PLC0415  few need it

    uris = uris_of(options)
    if not uris:
        return nullcontext(options)
    if not verb.writes:
        raise InputError(f"{uris[0]}: this command takes paths of this machine; copy it there")
    return local_options(options, verb.writes, verb.shares)


def parse(prog: str, verb: Verb, words: Sequence[str]) -> Any:
    """The options that the words give; exits after the help, or after a sentence that
    says what is wrong with them."""

    def read(given: Sequence[str]) -> Any:
        return tyro.cli(
            named(verb.options), prog=prog, args=given, config=(tyro.conf.DisallowNone,)
        )

    join_lines()
    with refusals.on_parse_error(in_one_sentence(prog, verb, read)):
        return read(list(spelled_out(verb, words)))


def named(target: Any) -> Any:
    """The object of a name "module:object"; what is no name is the object itself."""
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def spelled_out(verb: Verb, words: Sequence[str]) -> Iterable[str]:
    """The words of a command line with the names of the options that lead it."""
    leading = 0
    for name, word in zip(verb.words, words, strict=False):
        if word.startswith("-"):
            break
        yield from (name, word)
        leading += 1
    yield from words[leading:]


def stopped_within(error: BaseException | None) -> Stopped | None:
    """What a signal becomes in a compiled function: the cause, or its cause, of a SystemError."""
    while isinstance(error, SystemError):
        error = error.__cause__
    return error if isinstance(error, Stopped) else None


def _explain(error: Exception, verb: Verb, words: Sequence[str]) -> Never:
    """Exit with a sentence where the user can mend an error, else raise it on."""
    if isinstance(error, BrokenPipeError):
        raise error  # nobody reads on: there is nothing to say
    if stopped := stopped_within(error):
        _say_stopped(stopped, verb)
    sentence = mendable(error)
    if sentence is None:
        error.add_note(
            f"This is a mistake in VoiceSplat {VERSION}, not in what you gave it. Please report it "
            f"with the lines above and your command: {shlex.join(words)}"
        )
    if sentence is None or os.environ.get("VOICESPLAT_TRACEBACK"):
        raise error
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(BAD_INPUT)


def _say_stopped(stopped: Stopped, verb: Verb) -> Never:
    print(f"interrupted: {verb.stopped}", file=sys.stderr)
    sys.exit(128 + stopped.number)


def _stop(number: int, frame: FrameType | None) -> Never:
    raise Stopped(number)


_parsed = _docstrings.parse_docstring_from_object


def join_lines() -> None:
    """Have tyro take the lines of a paragraph for one: tyro 1.0.17 keeps the line breaks of a
    docstring whose lines are indented, as they are under a dataclass's fields."""
    _docstrings.parse_docstring_from_object = _joined


def _joined(obj: object) -> dict[str, str]:
    return {name: _paragraphs(text) for name, text in _parsed(obj).items()}


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


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
