"""What may be said of emotions: names, mixtures, files; and what is refused, in one sentence."""

import json
import math
from pathlib import Path

import pytest

from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.behaviour.emotion_timeline import parse_emotions, read_emotion
from avatar.heads.arkit import WEIGHTS
from common.errors import InputError


def test_a_name_a_mixture_and_the_intensity():
    (happy,) = parse_emotions("happy", 0.6)
    assert happy.emotion is EMOTIONS["happy"]
    assert (happy.strength, happy.start, happy.end) == (0.6, 0.0, math.inf)
    mixed = parse_emotions("happy:0.4, surprise:0.3", 0.5)
    assert [felt.emotion for felt in mixed] == [EMOTIONS["happy"], EMOTIONS["surprise"]]
    assert [felt.strength for felt in mixed] == pytest.approx([0.2, 0.15])


def test_every_preset_is_made_of_known_units():
    assert len(EMOTIONS) == 8
    for emotion in EMOTIONS.values():
        assert set(emotion.units) <= set(WEIGHTS)
        assert all(0 < weight <= 1 for weight in emotion.units.values())


def test_a_timeline(tmp_path: Path):
    (tmp_path / "mine.json").write_text(json.dumps({"jawOpen": 0.5}))
    path = tmp_path / "emotions.txt"
    path.write_text("0-3 neutral  # at first\n\n3-7.5 angry 0.8\n8- happy:0.4,mine.json:0.5 0.5\n")
    spans = parse_emotions(str(path), 0.5)
    assert [(felt.start, felt.end) for felt in spans] == [(0, 3), (3, 7.5)] + [(8, math.inf)] * 2
    assert [felt.strength for felt in spans] == pytest.approx([0.5, 0.4, 0.1, 0.125])
    assert spans[3].emotion.units == {"jawOpen": 0.5}


@pytest.mark.parametrize(
    ("words", "intensity", "said"),
    [
        ("merry", 1.0, "'merry' is no emotion; known: neutral, happy"),
        ("happy:1.5", 1.0, "from 0 to 1"),
        ("happy,,sad", 1.0, "'' is no emotion"),
        ("happy", 1.2, "--intensity 1.2"),
        ("happy", math.nan, "--intensity nan"),
        ("list.json", 1.0, "units and weights"),
        ("odd.json", 1.0, "'smile' is none of the 52"),
        ("big.json", 1.0, "jawOpen is 7"),
        ("text.json", 1.0, "not a JSON file"),
        ("back.txt", 1.0, "line 2 starts at 2 s, before 3 s"),
        ("never.txt", 1.0, "ends before it starts"),
        ("words.txt", 1.0, "names no seconds"),
        ("bare.txt", 1.0, "line 1 is not of the form"),
        ("strong.txt", 1.0, "strength 2 must be"),
        ("merry.txt", 1.0, "line 1: 'merry' is no emotion"),
        ("empty.txt", 1.0, "is empty"),
        ("bytes.txt", 1.0, "is no text"),
    ],
)
def test_refused(
    words: str, intensity: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "list.json": "[1]",
        "odd.json": '{"smile": 1}',
        "big.json": '{"jawOpen": 7}',
        "text.json": "smile",
        "back.txt": "0-3 happy\n2-5 sad",
        "never.txt": "3-1 happy",
        "words.txt": "soon happy",
        "bare.txt": "0-3",
        "strong.txt": "0-3 happy 2",
        "merry.txt": "0-3 merry",
        "empty.txt": "# nothing yet\n",
    }.items():
        Path(name).write_text(text)
    Path("bytes.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError) as refusal:
        parse_emotions(words, intensity)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("words", ["gone.json", "gone.txt"])
def test_files_that_are_not_there(words: str):
    with pytest.raises(FileNotFoundError, match="no such file"):
        parse_emotions(words)


def test_emotions_need_a_voice():
    read_emotion(None, 1.0, spoken=False)
    with pytest.raises(InputError, match="--intensity: has nothing to do without --emotion"):
        read_emotion(None, 0.5, spoken=True)
    with pytest.raises(InputError, match="--emotion: is for a voice"):
        read_emotion("happy", 1.0, spoken=False)
