"""Whose way of speaking an avatar speaks in: its own, nobody's, or another's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import Outcome, write_wav

from audio2mesh import Manner, SpeechToMotion, load_model
from audio2mesh.model.manner import manner_bytes, no_changes, save_manner, weights_digest
from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions, ViewOptions
from avatar.drive.view import motion_on_page, plan_view
from avatar.geometry.rotations import head_angles
from avatar.live.host import load_speaker
from avatar.live.options import ServeOptions
from avatar.rigging.avatar import Avatar
from common.errors import InputError

Run = Callable[..., Outcome]
TINY: dict[str, Any] = {"width": 16, "height": 16}


@pytest.fixture(scope="module")
def model() -> SpeechToMotion:
    return load_model()


@pytest.fixture
def manner(model: SpeechToMotion) -> Manner:
    """Lips that move otherwise than anybody's."""
    changes = no_changes(model, rank=1, seed=0)
    changes["output.weight.up"] += 0.3
    return Manner(changes, weights_digest(model), "a film")


def owning(avatar: Avatar, manner: Manner) -> Avatar:
    content = torch.frombuffer(bytearray(manner_bytes(manner)), dtype=torch.uint8)
    return replace(avatar, manner=content)


@pytest.fixture
def own_file(small_avatar: Avatar, manner: Manner, tmp_path: Path) -> Path:
    path = tmp_path / "own.ply"
    save_avatar(path, owning(small_avatar, manner))
    return path


def offsets(avatar: Path, voice: Path, manner: str = "auto", **more: Any) -> np.ndarray:
    """[F, V, 3] of a film."""
    out = voice.with_suffix(".npz")
    film = DriveOptions(avatar, voice, voice.with_suffix(".mp4"), save_motion=out, **TINY)
    drive(replace(film, manner=manner, **more))
    with np.load(out) as motion:
        return motion["offsets"]


def test_the_part_comes_back_and_older_files_open(
    own_file: Path, avatar_file: Path, small_avatar: Avatar, manner: Manner
):
    found = load_avatar(own_file).manner
    assert found is not None and found.numpy().tobytes() == manner_bytes(manner)
    assert load_avatar(avatar_file).manner is None


def test_an_avatar_speaks_as_its_person_unless_told_otherwise(
    own_file: Path, avatar_file: Path, manner: Manner, voice_file: Path, tmp_path: Path
):
    save_manner(manner, tmp_path / "me.safetensors")
    nobody, own = offsets(avatar_file, voice_file), offsets(own_file, voice_file)
    assert np.abs(own - nobody).max() > 1e-4
    assert np.array_equal(offsets(own_file, voice_file, "neutral"), nobody)
    for said in (own_file, tmp_path / "me.safetensors"):
        assert np.array_equal(offsets(avatar_file, voice_file, str(said)), own), said


def test_a_neutral_film_is_that_of_an_avatar_without_the_part(
    own_file: Path, avatar_file: Path, voice_file: Path, tmp_path: Path
):
    films = []
    for avatar, manner in ((own_file, "neutral"), (avatar_file, "auto")):
        out = tmp_path / f"{manner}.mp4"
        drive(DriveOptions(avatar, voice_file, out, manner=manner, width=64, height=64))
        films.append(out.read_bytes())
    assert films[0] == films[1]


def test_a_style_of_the_weights_is_nobodys_manner(own_file: Path, voice_file: Path):
    nobody = offsets(own_file, voice_file, "neutral", weights_style="s2")
    assert np.array_equal(offsets(own_file, voice_file, weights_style="s2"), nobody)
    with pytest.raises(InputError, match="--manner and --weights-style: name one"):
        offsets(own_file, voice_file, str(own_file), weights_style="s2")


def test_pages_servers_and_batches_speak_so_too(
    own_file: Path, avatar_file: Path, voice_file: Path, tmp_path: Path
):
    spoken = offsets(own_file, voice_file, still=True)
    for said, wanted in (("auto", True), ("neutral", False)):
        page = plan_view(ViewOptions(own_file, voice_file, still=True, manner=said))
        motion = motion_on_page(page, load_avatar(own_file))
        assert motion is not None
        shown = torch.cat(list(motion.offsets())).cpu().numpy()
        assert np.allclose(shown, spoken, atol=1e-6) == wanted
        _, speaker = load_speaker(ServeOptions(avatar=own_file, manner=said))
        same = weights_digest(speaker.model) == weights_digest(load_model())
        assert same != wanted
    made = BatchOptions(
        avatars=(str(own_file), str(avatar_file)),
        audio=(str(voice_file),),
        out=str(tmp_path / "out"),
        make="motion",
        still=True,
        workers=1,
    )
    run_batch(made)
    for name, wanted in (("own", True), ("subject", False)):
        with np.load(tmp_path / "out" / f"voice_{name}.npz") as motion:
            assert np.array_equal(motion["offsets"], spoken) == wanted


def test_a_manner_of_other_weights_is_left_out_with_a_sentence(
    small_avatar: Avatar,
    avatar_file: Path,
    manner: Manner,
    voice_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    foreign = tmp_path / "foreign.ply"
    save_avatar(foreign, owning(small_avatar, replace(manner, weights="others")))
    assert np.array_equal(offsets(foreign, voice_file), offsets(avatar_file, voice_file))
    assert capsys.readouterr().err.count("learned with other speech-to-motion weights") == 1
    with pytest.raises(InputError, match=r"foreign\.ply.* other speech-to-motion weights"):
        offsets(avatar_file, voice_file, str(foreign))


def test_what_is_refused(run_script: Run, avatar_file: Path, voice_file: Path, tmp_path: Path):
    take = tmp_path / "take.csv"
    take.write_text("no take")
    for words, said in (
        (("--audio", voice_file, "--manner", "me.ply"), "there is no such avatar or manner"),
        (("--audio", voice_file, "--manner", avatar_file), "knows no manner of speaking"),
        (("--audio", voice_file, "--manner", take), "holds no manner of speaking"),
        (("--arkit", take, "--manner", avatar_file), "no voice moves the lips"),
    ):
        refused = run_script("drive", "--avatar", avatar_file, *words)
        assert refused.status == 2 and said in refused.stderr, (words, refused)
        assert "Traceback" not in refused.stderr


def test_habits_of_the_person_move_the_head_too(
    small_avatar: Avatar, manner: Manner, voice: np.ndarray, tmp_path: Path
):
    path, audio = tmp_path / "nods.ply", tmp_path / "voice.wav"
    write_wav(audio, voice)
    spans = {}
    for head in (1.0, 2.0):
        save_avatar(path, owning(small_avatar, replace(manner, habits={"head": head})))
        motion = motion_on_page(plan_view(ViewOptions(path, audio)), load_avatar(path))
        assert motion is not None
        spans[head] = head_angles(motion.head_pose).std(0)
    assert (spans[2.0] > 1.5 * spans[1.0]).all()
