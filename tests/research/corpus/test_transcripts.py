"""Transcript files in both forms, and what of them counts as plain speech."""

from pathlib import Path

import pytest

from research.corpus.align import nearest_spelling
from research.corpus.recordings import read_transcripts, spoken_words

ASTERISK = """\
; Core sounds
agent-user: Agent login.  Please enter your agent number followed by the pound key.
ascending-2tone: [ascending tones]
followme/sorry.wav: I'm sorry, but I was unable to locate the person you are calling
letters/at: at [@]
letters/space: space [ ]
silence/2: (2 seconds of silence)
spy-iax2: IAX (note: does not say "2")
vm-for:
dictate/help: press # or 42
"""
LIBRIVOX = (
    "<s> he was not an ill disposed young man </s> (austen-0880)\n\nten of clubs (cards/001)\n"
)


def write(folder: Path, text: str) -> Path:
    path = folder / "transcripts.txt"
    path.write_text(text)
    return path


def test_lines_with_the_name_before(tmp_path):
    found = read_transcripts(write(tmp_path, ASTERISK))
    assert found == {
        "agent-user": "agent login please enter your agent number followed by the pound key",
        "followme/sorry": "i'm sorry but i was unable to locate the person you are calling",
        "letters/at": "at",
        "letters/space": "space",
        "dictate/help": "press pound or forty two",
    }


def test_lines_with_the_name_after(tmp_path):
    assert read_transcripts(write(tmp_path, LIBRIVOX)) == {
        "austen-0880": "he was not an ill disposed young man",
        "cards/001": "ten of clubs",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("press 7 now", "press seven now"),
        ("digits 0, 10, 19, 20 and 99", "digits zero ten nineteen twenty and ninety nine"),
        ("dial 1234", ""),  # twelve thirty-four or one two three four
        ("A PBX, the IVR platform", "a p b x the i v r platform"),
        ("www.asterisk.org.", "w w w dot asterisk dot org"),
        ("... letters of your party's name", "letters of your party's name"),
        ('a polite "don\'t call" menu', "a polite don't call menu"),
        ("Leave it after the tone. (a tone plays)", ""),
        ("M I S D N", "m i s d n"),
    ],
)
def test_words(text, words):
    assert spoken_words(text) == words


def test_a_line_of_neither_form_is_named(tmp_path):
    path = write(tmp_path, "a: one\njust words\n")
    with pytest.raises(ValueError, match=r"transcripts\.txt: line 2 is neither"):
        read_transcripts(path)


def test_not_a_text_file(tmp_path):
    path = tmp_path / "transcripts.txt"
    path.write_bytes(b"\xff\xfe\x00RIFF")
    with pytest.raises(ValueError, match="not a text file"):
        read_transcripts(path)


def test_words_that_the_dictionary_lacks():
    known = frozenset({"touch", "tone", "to", "representatives", "fortieth", "press", "end"})
    assert nearest_spelling("press", known) == ("press",)
    assert nearest_spelling("touchtone", known) == ("touch", "tone")
    assert nearest_spelling("represenatives", known) == ("representatives",)
    assert nearest_spelling("fourtieth", known) == ("fortieth",)
    assert nearest_spelling("digium", known) is None
    assert nearest_spelling("enp", known) is None
