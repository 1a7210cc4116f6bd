"""Clips learn the phones of the words that they say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Outcome

from audio2mesh.data.clips import load_clip
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_units
from common.arrays import write_arrays
from common.assets import DEMO_VOICE
from common.wav_files import write_wav


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    write_wav(tmp_path / "me.wav", load_audio(DEMO_VOICE)[: 2 * SAMPLE_RATE], SAMPLE_RATE)
    still = {"arkit": np.zeros((50, 1), np.float32), "arkit_names": np.array(["jawOpen"])}
    write_arrays(tmp_path / "me.npz", {"fps": np.array(25.0), **still})
    return tmp_path


def label(run_script: Callable[..., Outcome], clips: Path, words: str) -> Outcome:
    text = clips / "words.txt"
    text.write_text(words)
    return run_script("upkeep/label_clips", "--clips", clips, "--transcripts", text)


def test_phones_of_given_words_are_in_the_clips_time(
    run_script: Callable[..., Outcome], clips: Path
):
    """The aligner hears silence at both ends, which the clip does not have."""
    pytest.importorskip("pocketsphinx")
    outcome = label(run_script, clips, "me: and so my fellow\n")
    assert outcome.status == 0, outcome.stderr
    head = load_head()
    clip = load_clip(clips / "me.npz", face_units(head), head.vertices)
    assert clip.phones[0].start == 0 and clip.phones[-1].end == pytest.approx(2.0)
    assert {"N", "S", "OW", "M", "F", "EH", "L"} <= {phone.label for phone in clip.phones}
    assert len(clip.motion.coefficients) == 50


def test_a_transcript_of_no_clip_is_refused(run_script: Callable[..., Outcome], clips: Path):
    outcome = label(run_script, clips, "you: hello\n")
    assert outcome.status == 2
    assert outcome.stderr.endswith(f"words.txt: {clips} has no clip you\n")
