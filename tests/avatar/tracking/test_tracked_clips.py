"""A folder that track would have written becomes a clip that training reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from films import write_film
from support import Outcome

from audio2mesh.data.clips import load_clips, motion_at
from audio2mesh.pose_vae.tracks import load_tracks
from audio2mesh.sound.waveform import load_audio
from avatar.avatar_io.motion_file import SavedMotion, motion_writer
from avatar.avatar_io.take_poses import head_poses
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_units
from avatar.tracking.write import MOTION, OVERLAY
from common.assets import DEMO_VOICE

FRAMES = 50


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """A jaw that opens and a brow that rises, on a face that is not the mean one."""
    folder, head = tmp_path / "me", load_head()
    folder.mkdir()
    person = Mesh(1.1 * head.vertices, head.faces)
    saved = SavedMotion(
        folder / MOTION, person, head.topology, 25.0, head_poses(turning(), torch.zeros(3))
    )
    with motion_writer(saved, head.regions) as append:
        for jaw in opening():
            append((jaw * head.unit("jawOpen") + 0.5 * head.unit("browInnerUp")).numpy())
    write_film(folder / OVERLAY, FRAMES, audio=DEMO_VOICE)
    return folder


def turning() -> torch.Tensor:
    """Yaw, pitch and roll [F, 3] in radians."""
    return torch.sin(torch.arange(FRAMES) / 9)[:, None] * torch.tensor([0.2, 0.1, -0.05])


def opening() -> torch.Tensor:
    return 0.4 * torch.sin(torch.arange(FRAMES) / 4).square()


def convert(run_script: Callable[..., Outcome], tracked: Path, *more: object) -> Outcome:
    out = tracked.parent / "clips"
    return run_script("upkeep/convert_tracked", "--tracked", tracked, "--out", out, *more)


def test_the_clip_holds_the_mouth_without_the_person(
    run_script: Callable[..., Outcome], tracked: Path
):
    outcome = convert(run_script, tracked)
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout == "me: 2.0 s\n"
    head = load_head()
    (clip,) = load_clips(tracked.parent / "clips", face_units(head), head.vertices)
    assert (clip.name, clip.style, clip.origin, clip.fps) == ("me", "me", "solved", 25)
    centres = (torch.arange(FRAMES, dtype=torch.float64) + 0.5) / 25
    jaw = motion_at(clip, centres)[:, head.unit_names.index("jawOpen")]
    torch.testing.assert_close(jaw.float(), opening(), atol=2e-3, rtol=0)
    assert clip.motion.coefficients[:, head.unit_names.index("browInnerUp")].abs().max() == 0
    voice = load_audio(DEMO_VOICE)[: len(clip.audio)]
    assert np.corrcoef(clip.audio, voice)[0, 1] > 0.95


def test_the_clip_is_a_track_of_the_head(run_script: Callable[..., Outcome], tracked: Path):
    convert(run_script, tracked)
    (track,) = load_tracks(tracked.parent / "clips")
    turned = torch.rad2deg(turning())
    torch.testing.assert_close(track.angles, turned - turned.median(0).values, atol=0.01, rtol=0)
    assert track.prosody is not None


def test_phones_of_given_words_are_in_the_clips_time(
    run_script: Callable[..., Outcome], tracked: Path, monkeypatch: pytest.MonkeyPatch
):
    """The aligner hears silence at both ends, which the clip does not have."""
    pytest.importorskip("pocketsphinx")
    words = tracked.parent / "words.txt"
    words.write_text("me: and so my fellow\n")
    outcome = convert(run_script, tracked, "--transcripts", words)
    assert outcome.status == 0, outcome.stderr
    head = load_head()
    (clip,) = load_clips(tracked.parent / "clips", face_units(head), head.vertices)
    assert clip.phones[0].start == 0 and clip.phones[-1].end == pytest.approx(2.0)
    assert {"N", "S", "OW", "M", "F", "EH", "L"} <= {phone.label for phone in clip.phones}


def test_one_sentence_says_what_is_wrong(run_script: Callable[..., Outcome], tracked: Path):
    words = tracked.parent / "words.txt"
    words.write_text("you: hello\n")
    outcome = convert(run_script, tracked, "--transcripts", words)
    assert outcome.status == 2
    assert outcome.stderr.endswith("words.txt: --tracked names no folder called you\n")
    outcome = run_script("upkeep/convert_tracked", "--tracked", tracked, tracked, "--out", tracked)
    assert "two folders are called me; rename one" in outcome.stderr
    (tracked / MOTION).unlink()
    assert convert(run_script, tracked).status == 2
    assert not list((tracked.parent / "clips").iterdir())
