from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_off import same_weights, stop_inside_step
from support import write_wav

from audio2mesh.data.clips import Clip
from audio2mesh.data.phones import Phone, to_arrays
from audio2mesh.lipreading import load_lipreader
from audio2mesh.lipreading.chain import phone_chain
from audio2mesh.lipreading.options import LipReadOptions, LipTrainOptions
from audio2mesh.model.motion import Motion
from avatar.heads import load_head
from avatar.lipreading import MouthView, mouth_renderer
from avatar.lipreading.face_geometry import face_geometry
from avatar.lipreading.mouth_crops import mouth_shape, render_reel
from avatar.lipreading.options import LipFitOptions
from avatar.lipreading.train import fit_lipreader, made_up_clip
from common.errors import InputError
from common.network_files import training_record

HEAD = load_head()
CPU = torch.device("cpu")
SAID = (Phone("SIL", 0.0, 0.2), Phone("M", 0.2, 0.3), Phone("AA", 0.3, 0.5), Phone("SIL", 0.5, 0.8))


def clip(frames: int = 20) -> Clip:
    weights = torch.linspace(0, 0.6, frames)[:, None]
    motion = Motion(weights, HEAD.unit("jawOpen")[None])
    return Clip("a", "a", np.zeros(frames * 640, np.float32), motion, 25.0, -0.02, SAID)


def test_a_reel_is_the_render_of_its_clip():
    reel = render_reel(HEAD, clip(), MouthView())
    assert reel.crops.shape == (20, 88, 88)
    frame = HEAD.vertices + 0.6 * 7 / 19 * HEAD.unit("jawOpen")
    wanted = mouth_renderer(HEAD)(frame[None])[0]
    shown = torch.from_numpy(reel.crops[7]).float() / 255
    assert (shown - wanted).abs().max() < 0.01
    assert reel.phones == SAID


def test_the_shape_is_measured_in_millimetres():
    units = torch.stack([HEAD.unit(n) for n in ("jawOpen", "mouthPucker", "mouthStretchLeft")])
    poses = Motion(torch.cat([torch.zeros(1, 3), torch.eye(3)]), units)
    rest, opened, pucker, stretch = mouth_shape(poses, face_geometry(HEAD)).tolist()
    assert rest == pytest.approx([0, 0, 0], abs=0.1)
    assert opened[0] > 15
    assert pucker[1] < -5
    assert pucker[2] > 1
    assert stretch[1] > 2


def test_kept_reels_are_not_drawn_again_unless_they_changed(tmp_path: Path):
    one = render_reel(HEAD, clip(), MouthView(), tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = render_reel(HEAD, clip(), MouthView(), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    assert np.array_equal(one.crops, again.crops)
    assert np.array_equal(one.shape, again.shape)
    render_reel(HEAD, clip(), MouthView(azimuth=5.0), tmp_path)
    render_reel(HEAD, replace(clip(), lag=0.0), MouthView(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 3 * len(files)


def test_made_up_clips_follow_from_their_number():
    chain = phone_chain([SAID])
    one, same, other = (made_up_clip(HEAD, chain, number, 0) for number in (0, 0, 1))
    assert torch.equal(one.motion.coefficients, same.motion.coefficients)
    assert one.phones != other.phones
    assert one.seconds == pytest.approx(one.phones[-1].end, abs=1e-3)


def write_clip(folder: Path, name: str, phones: tuple[Phone, ...] = SAID) -> None:
    weights = np.random.default_rng(0).random((20, 1)).astype(np.float32)
    names = np.array(["jawOpen"])
    file = folder / f"{name}.npz"
    said = to_arrays(phones)
    np.savez(
        file,
        fps=25,
        arkit=weights,
        arkit_names=names,
        phone_labels=said["phone_labels"],
        phone_times=said["phone_times"],
    )
    write_wav(folder / f"{name}.wav", np.zeros(12_800))


def options(folder: Path, **changes) -> LipFitOptions:
    settings = {
        "data": (folder,),
        "out": folder / "lips.safetensors",
        "exclude": ("left",),
        "babble": 0.0,
        "cache": folder / "crops",
        "network": LipReadOptions(width=16, layers=1, heads=2),
        "train": LipTrainOptions(steps=4, batch=2, frames=10, save_every=2),
    }
    return LipFitOptions(**settings | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four clips, one of which is left out."""
    for name in ("a", "b", "c", "left"):
        write_clip(tmp_path, name)
    return tmp_path


def test_clips_become_weights_that_say_what_they_saw(folder: Path):
    scores = fit_lipreader(options(folder), CPU)
    assert set(scores) == {"phones", "visemes", "constant", "shuffled"}
    record = training_record(folder / "lips.safetensors")
    assert len(record["clips"]) == 2
    assert sorted(record["clips"] + record["held_out"]) == ["a", "b", "c"]
    assert load_lipreader(folder / "lips.safetensors").options.width == 16
    assert not list(folder.glob("*.state"))


def test_a_run_that_is_stopped_inside_a_step_ends_as_if_it_had_not_been(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, parts = folder / "whole.safetensors", folder / "parts.safetensors"
    fit_lipreader(options(folder, out=whole), CPU)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 3)
        fit_lipreader(options(folder, out=parts), CPU)
    fit_lipreader(options(folder, out=parts), CPU)
    assert same_weights(whole, parts)


def test_the_clips_to_test_on_can_be_named(folder: Path):
    held = replace(options(folder), held_out=("a",), out=folder / "one.safetensors")
    fit_lipreader(held, CPU)
    assert training_record(held.out)["held_out"] == ["a"]
    other = folder / "other"
    other.mkdir()
    write_clip(other, "d")
    apart = replace(options(folder), test_data=(other,), out=folder / "two.safetensors")
    fit_lipreader(apart, CPU)
    record = training_record(apart.out)
    assert (record["held_out"], record["clips"]) == (["d"], ["a", "b", "c"])
    with pytest.raises(InputError, match="no clip is called e"):
        fit_lipreader(replace(held, exclude=("e",)), CPU)


def test_a_run_goes_on_from_earlier_weights(folder: Path):
    earlier = folder / "lips.safetensors"
    fit_lipreader(options(folder), CPU)
    still = LipTrainOptions(steps=1, batch=2, frames=10, learning_rate=0.0)
    later = options(folder, start=earlier, out=folder / "more.safetensors", train=still)
    fit_lipreader(later, CPU)
    one, more = load_lipreader(earlier), load_lipreader(later.out)
    assert torch.equal(one.front.weight, more.front.weight)
    assert training_record(later.out)["start"] == training_record(earlier)


def test_clips_without_phones_are_not_enough(tmp_path: Path):
    write_clip(tmp_path, "a", ())
    with pytest.raises(InputError, match="too few of the clips have phones"):
        fit_lipreader(options(tmp_path, exclude=()), CPU)
