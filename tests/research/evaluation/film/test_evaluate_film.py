"""Short rendered films of the demo avatar whose jaw is known, measured against each other."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from films import write_film
from support import Outcome, write_wav

from avatar.avatar_io.avatar_file import load_avatar
from avatar.heads import load_head
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.video.sound import Sound
from avatar.video.writer import open_writer
from avatar.vision.follow import faces_in_picture, load_face_finder
from common.assets import DEMO_AVATAR
from common.errors import InputError
from research.evaluation.film.evaluate import film_pairs
from research.evaluation.film.seen import sharpness, silent_frames, turned
from splat import orbit

SECONDS, SIZE = 2.4, 256
Run = Callable[..., Outcome]


@cache
def drawn(jaw: float, azimuth: float = 0.0) -> np.ndarray:
    """The demo avatar with an open jaw [H, W, 3]."""
    avatar, unit = load_avatar(DEMO_AVATAR), load_head().unit("jawOpen")
    camera = orbit(avatar.vertices.mean(0), 1.3, azimuth, 0.0, 20.0, SIZE, SIZE)
    rig, draw = avatar_rig(avatar, torch.device("cpu")), rasterizer("cpu", torch.ones(3))
    return draw(rig(avatar.vertices + jaw * unit), camera).clamp(0, 1).numpy()


def opening(seconds: float) -> float:
    """A jaw that opens twice a second, ever wider, in steps of 0.02."""
    return round(4 * (3 + seconds) * max(0.0, np.sin(4 * np.pi * seconds)) ** 2) / 50


def write_talk(path: Path, sound: Path | None, fps: float, late: float, wide: float = 1.0) -> Path:
    with open_writer(path, SIZE, SIZE, fps, sound and Sound(sound)) as write:
        for frame in range(round(SECONDS * fps)):
            write(drawn(round(wide * opening((frame + 0.5) / fps - late), 2)))
    return path


@pytest.fixture(scope="module")
def sound(voice: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of voice, then silence."""
    samples = np.concatenate([voice[16_000:32_000], np.zeros(round(1.4 * 16_000), np.float32)])
    return write_wav(tmp_path_factory.mktemp("sound") / "voice.wav", samples)


@pytest.fixture(scope="module")
def truth(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_talk(tmp_path_factory.mktemp("true") / "talk.mp4", sound, 25.0, 0.0)


def test_a_late_film_of_another_rate_is_measured(run_script: Run, truth: Path, tmp_path: Path):
    ours = write_talk(tmp_path / "ours.mp4", None, 30.0, 0.12, 0.7)
    report = tmp_path / "report.json"
    given = (ours, truth, "--truth", truth, "--report", report, "--device", "cpu")
    outcome = run_script("evaluate film", *given)
    assert outcome.status == 0, outcome.stderr
    assert "gap r" in outcome.stdout and "sharpness" in outcome.stdout
    rows = json.loads(report.read_text())
    assert list(rows) == ["ours.mp4", "talk.mp4", "shuffled", "mean mouth", "still", "truth"]
    ours, same = rows["ours.mp4"]["lips"], rows["talk.mp4"]["lips"]
    assert ours["gap_r"] > 0.9 and ours["gap_r"] > ours["gap_r_unshifted"] + 0.2
    assert ours["shift_ms"] == pytest.approx(120, abs=12)
    assert 0.3 < ours["gap_amplitude"] < 0.8  # small openings are seen too small
    assert same["gap_r"] == pytest.approx(1) and same == rows["truth"]["lips"]
    assert ours["closures_called"] == same["closures_called"] >= 3 and same["closures_found"] == 1
    assert ours["silent_speed"] > 0 == rows["still"]["lips"]["silent_speed"]
    assert rows["still"]["lips"]["gap_r"] is None and rows["still"]["picture"] is None
    assert rows["shuffled"]["lips"]["gap_r"] < 0.9
    picture = rows["ours.mp4"]["picture"]
    assert picture["found"] == 1 and 0 < picture["head_speed"] < 15
    assert picture["sharpness"] == pytest.approx(rows["truth"]["picture"]["sharpness"], rel=0.3)


def test_silence_is_heard(truth: Path):
    silent = silent_frames(truth, 60, 25.0)
    assert not silent[:25].any() and silent[35:50].all()


def test_a_turned_head_is_turned():
    finder, angles = load_face_finder(), []
    for azimuth in (-15.0, 0.0, 15.0):
        points = faces_in_picture(finder, torch.from_numpy(drawn(0.1, azimuth))).points[0]
        angles.append(turned(points))
    angles = np.array(angles)
    assert np.diff(angles[:, 0]) == pytest.approx(np.full(2, np.diff(angles[:, 0]).mean()), abs=4)
    assert abs(angles[2, 0] - angles[0, 0]) == pytest.approx(30, abs=6)
    assert np.ptp(angles[:, 1:], axis=0).max() < 4


def test_sharpness_falls_with_blur_and_not_with_size_or_light():
    picture = (drawn(0.1) * 255).astype(np.uint8)
    points = faces_in_picture(load_face_finder(), torch.from_numpy(drawn(0.1))).points[0]
    sharp = sharpness(picture, points)
    twice = picture.repeat(2, 0).repeat(2, 1)
    assert sharpness(twice, 2 * points) == pytest.approx(sharp, rel=0.3)
    assert sharpness(picture // 2, points) == pytest.approx(sharp, rel=0.1)
    blurred = np.mean([np.roll(picture, k, 1) for k in range(-3, 4)], axis=0)
    assert sharpness(blurred.astype(np.uint8), points) < 0.4 * sharp


def test_films_find_their_truth_by_name(tmp_path: Path):
    for folder, names in (("ours", "ab"), ("true", "abc"), ("odd", "d"), ("none", "")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.{'mp4' if folder == 'ours' else 'mpg'}").touch()
    ours, true = tmp_path / "ours", tmp_path / "true"
    assert film_pairs([ours, ours / "b.mp4"], true) == {
        "ours/": [(ours / f"{name}.mp4", true / f"{name}.mpg") for name in "ab"],
        "b.mp4": [(ours / "b.mp4", true / "b.mpg")],
    }
    assert film_pairs([ours], true / "a.mpg")["ours/"][1] == (ours / "b.mp4", true / "a.mpg")
    with pytest.raises(InputError, match=r"d.mpg: .* has no film of that name"):
        film_pairs([tmp_path / "odd"], true)
    with pytest.raises(InputError, match="holds no films"):
        film_pairs([tmp_path / "none"], true)
    with pytest.raises(InputError, match="--film: name at least one"):
        film_pairs([], true)


def test_bad_films_are_told_in_one_sentence(
    run_script: Run, truth: Path, sound: Path, tmp_path: Path
):
    mute = write_film(tmp_path / "mute.mp4", 30)
    one, short = tmp_path / "one.mp4", tmp_path / "short.mp4"
    for path, frames in ((one, 1), (short, 30)):
        with open_writer(path, SIZE, SIZE, 25.0, Sound(sound)) as write:
            for _ in range(frames):
                write(drawn(0.1))
    cases = (
        (short, mute, "mute.mp4: has no sound"),
        (mute, short, "mute.mp4: a face was found in 0 of 30 frames"),
        (one, one, "one.mp4: has 1 frames"),
        (truth, short, "talk.mp4: lasts 2.4 s, but"),
        (tmp_path / "gone.mp4", short, "gone.mp4: there is no such file"),
        (sound, short, "voice.wav: has no pictures"),
    )
    for ours, true, said in cases:
        outcome = run_script(
            "evaluate film", ours, "--truth", true, "--report", tmp_path / "r.json"
        )
        assert outcome.status == 2, outcome
        last = " ".join(outcome.stderr.splitlines()[-1:])
        assert last.startswith("error: ") and said in last and "Traceback" not in outcome.stderr
    assert not (tmp_path / "r.json").exists()
