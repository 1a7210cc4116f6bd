"""Files of landmarks: what is read, and what is wrong with those that are not."""

import json
from pathlib import Path

import pytest

from avatar.retarget.landmarks import LANDMARKS, read_landmarks
from common.errors import InputError

NAMES = list(LANDMARKS)[:4]
GOOD = dict(zip(NAMES, ([0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.5]), strict=True))


def write(folder: Path, content: object) -> Path:
    path = folder / "landmarks.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_points_by_name(tmp_path: Path):
    found = read_landmarks(write(tmp_path, GOOD))
    assert {name: point.tolist() for name, point in found.items()} == GOOD


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ([1], "names and points"),
        (GOOD | {"third_eye": [0, 0, 0]}, "'third_eye'"),
        ({name: [0, 0, 0] for name in NAMES[:3]}, "too few"),
        ({name: [1, 2, 3] for name in NAMES}, "one place"),
        (GOOD | {NAMES[0]: [1e300, 0, 0]}, NAMES[0]),
        (GOOD | {NAMES[0]: [float("nan"), 0, 0]}, NAMES[0]),
        (GOOD | {NAMES[0]: [0, 0]}, NAMES[0]),
        (GOOD | {NAMES[0]: "left"}, NAMES[0]),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: object, said: str):
    with pytest.raises(InputError) as caught:
        read_landmarks(write(tmp_path, content))
    sentence = str(caught.value)
    assert "landmarks.json" in sentence and said in sentence and "\n" not in sentence


def test_no_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        read_landmarks(tmp_path / "gone.json")
