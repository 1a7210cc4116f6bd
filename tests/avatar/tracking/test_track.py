"""A short film of the demo avatar, the camera swinging around it, tracked from end to end."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from films import write_sound

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from avatar.avatar_io.avatar_file import load_avatar
from avatar.avatar_io.live_link import read_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads.arkit import WEIGHTS
from avatar.reconstruct.capture_reader import open_capture
from avatar.tracking.options import TrackOptions
from avatar.tracking.track import Tracked, track
from avatar.video.reader import film_info
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError
from configs.commands import make
from configs.options import MakeAvatarOptions

SECONDS, FRAMES = 1.2, 30


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    sound = load_audio(DEMO_VOICE)[: round(SECONDS * SAMPLE_RATE), None]
    voice = write_sound(folder / "voice.flac", np.asarray(sound, np.float64), SAMPLE_RATE)
    path = folder / "film.mp4"
    options = DriveOptions(
        DEMO_AVATAR, width=320, height=320, camera="orbit", audio=voice, out=path
    )
    drive(options)
    return path


@pytest.fixture(scope="module")
def tracked(film: Path) -> tuple[Path, Tracked]:
    out = film.parent / "tracked"
    return out, track(options_of(film, out))


def options_of(film: Path, out: Path) -> TrackOptions:
    """Some film's; on one thread, as several may add up in another order."""
    return TrackOptions(
        film=film, out=out, size=256, key_frames=12, crops=1, held_out=0.2, threads=1
    )


@pytest.mark.gpu
@pytest.mark.soak
def test_a_device_tracks_what_the_cpu_tracks(
    film: Path, tracked: tuple[Path, Tracked], tmp_path: Path, cuda: torch.device
):
    track(replace(options_of(film, tmp_path / "there"), device=cuda.type))
    there, here = (
        open_motion(folder / "motion.npz") for folder in (tmp_path / "there", tracked[0])
    )
    apart = (torch.cat([*motion_chunks(there)]) - torch.cat([*motion_chunks(here)])).abs()
    assert apart.mean() < 2e-4  # metres


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_every_frame_is_tracked(tracked: tuple[Path, Tracked]):
    _, found = tracked
    assert (found.frames, found.lost, found.shots) == (FRAMES, 0, 1)
    assert found.sound.startswith("sound ")
    assert found.yaw[1] - found.yaw[0] > 8  # degrees: the camera swings


def test_reconstruction_reads_the_capture(tracked: tuple[Path, Tracked]):
    out, _ = tracked
    capture = open_capture(out)
    assert capture.topology == "anny-head"
    assert len(capture.splits["train"]) == 24 and len(capture.splits["test"]) == 6
    for kind in ("images", "fg_masks", "regions"):
        assert len(list((out / kind).iterdir())) == FRAMES


def test_the_motion_is_read_as_any_other(tracked: tuple[Path, Tracked]):
    out, _ = tracked
    motion = open_motion(out / "motion.npz")
    offsets = np.concatenate([chunk.numpy() for chunk in motion_chunks(motion)])
    assert offsets.shape == (FRAMES, 5000, 3)
    take = read_take(out / "take.csv")
    assert take.weights.shape == (FRAMES, 52)
    assert take.weights[:, WEIGHTS.index("jawOpen")].max() > 0.05


def test_the_film_to_check_by_has_both_pictures_and_the_sound(tracked: tuple[Path, Tracked]):
    info = film_info(tracked[0] / "overlay.mp4")
    assert info.width > info.height and info.sound_begin == 0


def test_a_folder_that_is_taken_is_refused(film: Path, tracked: tuple[Path, Tracked]):
    with pytest.raises(InputError, match="with other options"):
        track(TrackOptions(film=film, out=tracked[0]))
    with pytest.raises(InputError, match="exists already"):
        track(TrackOptions(film=film, out=film.parent))


def test_an_interrupted_run_goes_on_from_its_landmarks_and_pictures(
    film: Path, tracked: tuple[Path, Tracked], monkeypatch: pytest.MonkeyPatch
):
    options = options_of(film, film.parent / "again")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("avatar.tracking.track.solve_frame", stop)
        track(options)
    pictures = sorted((options.out / "images").iterdir())
    pictures[3].unlink()
    before = {path: path.stat().st_mtime_ns for path in pictures if path.exists()}
    monkeypatch.setattr("avatar.tracking.track.follow", stop)
    assert track(options) == tracked[1]
    assert pictures[3].is_file()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    take, wanted = (folder / "take.csv" for folder in (options.out, tracked[0]))
    assert take.read_bytes() == wanted.read_bytes()


def test_a_finished_folder_stays_as_it_is(
    film: Path, tracked: tuple[Path, Tracked], monkeypatch: pytest.MonkeyPatch
):
    """Also one whose summary has an entry that is gone."""
    summary = tracked[0] / "tracked.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"drawn": False}))
    monkeypatch.setattr("avatar.tracking.track.track_film", stop)
    assert track(options_of(film, tracked[0])) == tracked[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 100}, "--size 100"),
        ({"fps": 0.0}, "--fps 0"),
        ({"focal": 0.01}, "--focal 0.01"),
        ({"held_out": 0.9}, "--held-out 0.9"),
        ({"sync": float("nan")}, "--sync nan"),
        ({"key_frames": 2}, "--key-frames 2"),
    ],
)
def test_options_out_of_range_are_told_in_a_sentence(film: Path, options, words: str):
    with pytest.raises(InputError, match=words):
        track(TrackOptions(film=film, out=film.parent / "new", **options))
    assert not (film.parent / "new").exists()


def test_a_film_becomes_an_avatar_that_says_so(
    film: Path, tracked: tuple[Path, Tracked], monkeypatch: pytest.MonkeyPatch
):
    """The second command of two: the film is tracked already. It starts from a coarser head."""
    avatar = film.parent / "me.ply"
    monkeypatch.setattr("avatar.photo.surface.FINER", 2.0)
    monkeypatch.setattr("avatar.photo.build.CORRECTIONS", 2)
    monkeypatch.setattr("avatar.people.layer.AROUND", (0, 180))
    (film.parent / "me-capture").symlink_to(tracked[0])
    monkeypatch.setattr(make, "TrackOptions", lambda film, out, **_: options_of(film, out))
    make.make_avatar(MakeAvatarOptions(avatar, film=film, steps=30, threads=1))
    made = load_avatar(avatar)
    assert made.topology == "anny-head" and len(made.binding) > 5000
    assert made.origin.startswith("a film, by VoiceSplat")
    with pytest.raises(InputError, match="--photo and --film"):
        make.make_avatar(MakeAvatarOptions(avatar, film=film, photo=(film,)))
