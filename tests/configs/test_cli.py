"""The command line: every verb is there, and mistakes are told in one sentence."""

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from support import ROOT

from configs import VERSION
from configs.cli import find_verb
from configs.command import named, parse, spelled_out
from configs.verbs import VERBS

SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))


def voicesplat(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "configs.cli", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_names_its_options_and_a_command_that_takes_them(name: str):
    verb = VERBS[name]
    options, command = named(verb.options), named(verb.command)
    assert is_dataclass(options)
    (parameter,) = signature(command).parameters.values()
    assert parameter.annotation is options


def choices(options: Any) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The options that are chosen from a list, by name, with the list."""
    hints = get_type_hints(options)
    for option in fields(options):
        kind = hints[option.name]
        if is_dataclass(kind):
            yield from choices(kind)
        elif get_origin(kind) is Literal:
            yield option.name, get_args(kind)


@pytest.mark.parametrize("name", VERBS)
def test_an_option_has_more_than_one_choice(name: str):
    for option, among in choices(named(VERBS[name].options)):
        assert len(among) > 1, option


def test_a_newcomer_who_types_no_verb_gets_the_studio(monkeypatch: pytest.MonkeyPatch):
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert find_verb([]) == ("studio", [])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    with pytest.raises(SystemExit):
        find_verb([])


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_explains_itself(name: str, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(f"voicesplat {name}", VERBS[name], ["--help"])
    assert not ended.value.code
    said = capsys.readouterr().out
    assert f"voicesplat {name}" in said and "--help" in said
    assert "{None}" not in said


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_the_verbs(words: tuple[str, ...]):
    done = voicesplat(*words)
    assert done.returncode == 0
    listed = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    assert [line[2:].split("  ")[0] for line in listed] == list(VERBS)
    assert "VOICESPLAT_TRACEBACK" in done.stdout


@pytest.mark.parametrize("words", ["", "--help", "--version", "drive --help", "train motion -h"])
def test_nothing_is_said_where_nobody_reads_on(words: str):
    assert into_closed_pipe(*words.split()) == (128 + signal.SIGPIPE, "")


def test_a_command_ends_quietly_where_nobody_reads_on(avatar_file: Path, tmp_path: Path):
    given = ("--avatar", str(avatar_file), "--out", str(tmp_path / "copy.ply"))
    assert into_closed_pipe("convert", *given) == (128 + signal.SIGPIPE, "")
    assert (tmp_path / "copy.ply").is_file()


def into_closed_pipe(*words: str) -> tuple[int, str]:
    """The exit status and what stderr says of a command whose reader has gone, as `head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "configs.cli", *words]
    pipe = subprocess.PIPE
    done = subprocess.run(command, check=False, stdout=writer, stderr=pipe, text=True, cwd=ROOT)
    os.close(writer)
    return done.returncode, done.stderr


def test_one_word_of_a_verb_lists_what_begins_so():
    done = voicesplat("train", "--help")
    assert done.returncode == 0 and "train motion" in done.stdout and "drive" not in done.stdout


def test_demo_files_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    options = parse("voicesplat bench", VERBS["bench"], [])
    assert options.avatar.is_file() and options.audio.is_file()


def test_the_version():
    assert voicesplat("--version").stdout == f"voicesplat {VERSION}\n"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("drvie", "drive"), ("make_capture", "make-capture"), ("train motoin", "train motion")],
)
def test_a_mistyped_verb_is_told_the_nearest(typed: str, meant: str, capsys):
    with pytest.raises(SystemExit) as ended:
        find_verb(typed.split())
    assert ended.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: ") and f"did you mean {meant}?" in said


@pytest.mark.parametrize("words", [[""], [" "], ["", "x"], ["xyzzy"]])
def test_an_unlikely_verb_is_only_refused(words: list[str], capsys):
    with pytest.raises(SystemExit) as ended:
        find_verb(words)
    assert ended.value.code == 2
    assert "did you mean" not in capsys.readouterr().err


def test_a_verb_takes_its_words_off():
    assert find_verb(["drive", "--still"]) == ("drive", ["--still"])
    assert find_verb(["train", "motion", "--out", "x"]) == ("train motion", ["--out", "x"])


def test_driving_takes_avatar_and_audio_without_their_names():
    given = parse("drive", VERBS["drive"], ["A.ply", "talk.mp3", "--still"])
    assert (given.avatar, given.audio, given.still) == (Path("A.ply"), Path("talk.mp3"), True)
    given = parse("drive", VERBS["drive"], ["A.ply", "--arkit", "take.csv"])
    assert (given.avatar, given.audio) == (Path("A.ply"), None)


def test_options_keep_their_own_names():
    assert list(spelled_out(VERBS["drive"], ["--audio", "x", "y"])) == ["--audio", "x", "y"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_explains_itself(script: Path, run_script):
    done = run_script(script.stem, "--help")
    assert done.status == 0 and f"usage: {script.stem}" in done.stdout


def test_a_script_that_is_only_imported_runs_nothing():
    assert runpy.run_path(str(ROOT / "scripts" / "drive.py"), run_name="__mp_main__")


def test_a_script_names_itself_in_its_help():
    script = ROOT / "scripts" / "make_demo_avatar.py"
    command = [sys.executable, str(script), "--help"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert "usage: make_demo_avatar.py" in done.stdout
