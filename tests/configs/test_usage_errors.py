"""What is said of a command line that cannot be read."""

import pytest

from configs.command import parse
from configs.verbs import VERBS

GIVEN = "--avatar A.ply --audio talk.mp3"
WRONG = {
    "drive --wdth 3 a b": "--wdth: there is no such option; did you mean --width?",
    f"drive {GIVEN} --wdth=3": "--wdth: there is no such option; did you mean --width?",
    f"drive {GIVEN} --xyzzy": "--xyzzy: there is no such option",
    f"drive {GIVEN} --colour 3": "--colour: there is no such option",
    f"drive {GIVEN} --size 3": "--size: there is no such option",
    f"drive {GIVEN} --turn 3": "--turn: there is no such option; did you mean --light-turn?",
    f"drive {GIVEN} --FPS 3": "--FPS: there is no such option; did you mean --fps?",
    f"drive {GIVEN} --hight 3": "--hight: there is no such option; did you mean --height?",
    f"drive {GIVEN} -w 3": "-w: there is no such option",
    f"drive {GIVEN} more.mp3": (
        "more.mp3: belongs to no option; only AVATAR and AUDIO may go unnamed, at the beginning"
    ),
    "render --avatar A.ply --out B.mp4 more": "more: belongs to no option",
    "drive": "--avatar must be given",
    "render": "--avatar and --out must be given",
    f"drive {GIVEN} --width": "--width: wants a value after it",
    f"drive {GIVEN} --width --still": "--width: wants a value after it",
    f"drive {GIVEN} --width wide": "--width: must be a whole number",
    f"drive {GIVEN} --fps fast": "--fps: must be a number",
    f"drive {GIVEN} --width 3.5": "--width: must be a whole number",
    f"drive {GIVEN} --style shy": "--style shy: must be one of reader, speaker, lively",
    "train motion --data d --out F --steps 3": (
        "--steps: there is no such option; did you mean --train.steps?"
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_it_is_told_in_one_sentence(words: str, capsys):
    name = next(name for name in VERBS if f"{words} ".startswith(f"{name} "))
    with pytest.raises(SystemExit) as ended:
        parse(f"voicesplat {name}", VERBS[name], words.removeprefix(name).split())
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err == f"error: {WRONG[words]}; see voicesplat {name} --help\n"
    assert not said.out
