"""The command line, `voicesplat VERB`: finds the verb before anything heavy is imported."""

import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import FrameType
from typing import Never

from configs import BAD_INPUT, VERSION
from configs.verbs import GROUPS, VERBS, Verb

HELP = ("-h", "--help")
FIRST = "studio"  # the verb of a newcomer, who types none
NOTE = """
voicesplat without a verb, in a terminal, opens the studio.
voicesplat VERB --help explains the options of a verb.
Set VOICESPLAT_TRACEBACK=1 to see where an error was raised."""


def main(given: str | Verb = "", module: str = "__main__") -> None:
    """Run what the command line asks for, or the given verb with its options, and exit.

    module: the __name__ of the script that asks; one that is only imported, as by a process that
    computes for another, runs nothing.
    A signal that comes while Python still imports ends the process at once: nothing is open yet.
    Where the reader of a pipe has gone, as `head` does, it ends as SIGPIPE would end it.
    """
    if module != "__main__":
        return
    try:
        try:
            _run(given)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):  # what they still hold must not fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _run(given: str | Verb) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    gc.disable()  # until all is imported: there is much to look through, and nothing to find
    words = sys.argv[1:]
    prog = os.path.basename(sys.argv[0])
    if not given:
        given, words = find_verb(words)
        prog = f"voicesplat {given}"
    from configs.command import run_verb  # noqa: PLC0415  the options' parser takes its time

    run_verb(prog, VERBS[given] if isinstance(given, str) else given, words)


def find_verb(words: Sequence[str]) -> tuple[str, list[str]]:
    """The verb that a command line starts with, and the rest. Exits where it is no verb: after
    the help or the version if that was asked for, else with one sentence."""
    if not words and sys.stdin.isatty() and sys.stdout.isatty():
        return FIRST, []
    for count in (1, 2):
        if (name := " ".join(words[:count])) in VERBS:
            return name, list(words[count:])
    if words == ["--version"]:
        print(f"voicesplat {VERSION}")
        sys.exit()
    if (words[1:] or HELP)[0] in HELP and (found := _beginning_with(words[:1])):
        print(listing(found))
        sys.exit()
    sys.exit(_unknown(" ".join(words[:2])))


def listing(groups: Mapping[str, Mapping[str, Verb]]) -> str:
    """Verbs and what they do, by group."""
    width = max(len(name) for group in groups.values() for name in group)
    lines = ["usage: voicesplat VERB [OPTIONS]"]
    for title, group in groups.items():
        lines += ["", f"{title}:", *(f"  {name:{width}}  {v.does}" for name, v in group.items())]
    return "\n".join(lines) + "\n" + NOTE


def _beginning_with(words: Sequence[str]) -> dict[str, dict[str, Verb]]:
    """The verbs of more than one word that begin so; all where none or help is asked for."""
    if not words or words[0] in HELP:
        return GROUPS
    found = {name: verb for name, verb in VERBS.items() if name.startswith(f"{words[0]} ")}
    return {words[0]: found} if found else {}


def _unknown(words: str) -> int:
    """Say which verb is nearest; returns the exit status."""
    typed = words.replace("_", "-")
    first = typed.partition(" ")[0]
    near = [*get_close_matches(typed, VERBS, 1), *get_close_matches(first, VERBS, 1)]
    meant = f"did you mean {near[0]}? See" if near else "see"
    print(f"error: there is no verb {words!r}; {meant} voicesplat --help", file=sys.stderr)
    return BAD_INPUT


def _leave(number: int, frame: FrameType | None) -> Never:
    os.write(2, b"interrupted: nothing was begun\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
