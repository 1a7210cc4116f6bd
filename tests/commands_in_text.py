"""Commands of ours that stand in documents, checked against the command line itself."""

import shlex
from collections.abc import Sequence

from configs.cli import find_verb
from configs.command import parse
from configs.verbs import VERBS


def understood(command: str) -> str:
    """The verb of a command whose options all parse. Fails where they do not."""
    program, *words = shlex.split(command, comments=True)
    assert program == "voicesplat", command
    return verb_of(words)


def verb_of(words: Sequence[str]) -> str:
    name, rest = find_verb(words)
    parse("voicesplat", VERBS[name], rest)
    return name
