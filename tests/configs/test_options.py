"""The options of every verb: they explain themselves, and each idea has one name."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from common.assets import DEMO_AVATAR
from configs.command import named, run_verb
from configs.verbs import VERBS

LIGHT = {
    "verify",
    "bench",
    "doctor",
    "evaluate head",
    "evaluate tracking",
}
"""Verbs that compute little, or measure how many threads do what."""

REQUIRED = {
    "track": "--film talk.mp4 --out capture",
    "demo": "",
    "drive": "A.ply talk.mp3",
    "batch": "--avatars cast --audio lines --out films",
    "render": "--avatar A.ply --out film.mp4",
    "view": "A.ply",
    "serve": "A.ply",
    "studio": "",
    "export": "--out talk.csv",
    "reconstruct": "--capture capture --out A.ply",
    "convert": "--avatar A.ply --out B.ply",
    "make-capture": "--out capture",
    "make-avatar": "--photo me.jpg --out A.ply",
    "evaluate avatar": "--avatar A.ply --capture capture",
    "track-films": "films clips",
    "evaluate photo": "A.ply --photo me.jpg",
    "evaluate film": "ours.mp4 --truth real.mp4",
    "evaluate emotion": "--data clips",
    "evaluate speech": "--data clips",
    "evaluate voices": "--avatar A.ply B.ply --audio talk.mp3",
    "train motion": "--data clips --out F",
    "train sync": "--data clips --role loss --out F",
    "train pose": "--data clips --out F",
    "train manner": "--data clips --out F",
    "train lips": "--text T --out F",
    "make-corpus": "--recordings R --out C --test-out T",
    "warm": "",
}


def test_every_verb_that_computes_takes_a_number_of_threads():
    assert set(REQUIRED) == set(VERBS) - LIGHT


@pytest.mark.parametrize("name", REQUIRED)
def test_no_threads_are_refused(name: str, capsys):
    assert ending(name, *REQUIRED[name].split(), "--threads", "0") == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "error: --threads 0: must be at least 1"


def ending(name: str, *words: str) -> int:
    """The exit status of a verb that is run in this process."""
    with pytest.raises(SystemExit) as ended:
        run_verb(f"voicesplat {name}", VERBS[name], words)
    return int(ended.value.code or 0)


WRONG = [
    ("evaluate speech --data", "error: --data: name at least one"),
    ("evaluate film --film --truth real.mp4", "error: --film: name at least one"),
    ("train motion --data --out F", "error: --data: name at least one"),
    ("train sync --data --role loss --out F", "error: --data: name at least one"),
    ("train sync --data gone --role loss --out F", "error: gone: there is no such folder of clips"),
    ("train pose --data --out F", "error: --data: name at least one"),
    ("train pose --data gone --out F", "error: gone: there is no such folder of tracks"),
    ("convert --avatar {asset} --out no/A.ply", "error: no/A.ply: folder"),
    ("bench --what drive --seconds 0", "error: --seconds 0: must be above 0"),
    ("bench --what drive --seconds 10 -1", "error: --seconds -1: must be above 0"),
    ("bench --seconds nan", "error: --seconds nan: must be above 0"),
    ("bench --clients 0", "error: --clients 0: must be at least 1"),
    ("bench --audio gone.wav", "error: gone.wav: no such file"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[words for words, _ in WRONG])
def test_a_wrong_value_is_told_in_one_sentence(
    words: str, said: str, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    name = next(name for name in VERBS if words.startswith(f"{name} "))
    given = words.removeprefix(name).format(asset=DEMO_AVATAR).split()
    assert ending(name, *given) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", VERBS)
def test_every_option_says_what_it_is(name: str):
    for options in option_classes(named(VERBS[name].options)):
        said = inspect.getdoc(options)
        assert said and not said.startswith(f"{options.__name__}("), options  # of dataclass itself
        known = documented(options)
        for option in fields(options):
            words = known.get(option.name, "")
            assert words.endswith((".", "?")), f"{options.__name__}.{option.name}: {words!r}"


def option_classes(options: Any) -> Iterator[Any]:
    """The dataclass of a verb's options, those that it extends, and those nested in it."""
    yield from (base for base in options.__mro__ if is_dataclass(base))
    for kind in get_type_hints(options).values():
        if is_dataclass(kind):
            yield from option_classes(kind)


def documented(options: Any) -> dict[str, str]:
    """The string below each field of a dataclass and of those that it extends."""
    found: dict[str, str] = {}
    for base in reversed(options.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(body, ast.ClassDef)
        for line, below in pairwise(body.body):
            match line, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(words))):
                    found[name] = words
    return found
