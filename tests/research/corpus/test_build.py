"""The corpus command from end to end on a tiny folder, and what it says of bad input."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support import ROOT, write_wav

from audio2mesh import load_audio
from audio2mesh.data.phones import SILENCE
from audio2mesh.sound import SAMPLE_RATE
from research.corpus.files import read_clip

PIECES = {  # name: start, end in seconds of the demo voice, text
    "address/fellow": (0.2, 2.8, "And so, my fellow Americans:"),
    "ask": (3.1, 4.6, "ask not"),
    "country": (5.2, 7.9, "what your country can do for you"),
    "again": (7.8, 10.8, "ask what you can do for your country"),
}
RECOGNISER = ("--recogniser.passes=1", "--recogniser.steps=3", "--recogniser.batch=2")


@pytest.fixture
def voices(tmp_path) -> Path:
    """A voice with transcripts, and the same voice without as a stranger."""
    demo = load_audio(ROOT / "assets" / "demo_voice.flac")
    for name, (start, end, _) in PIECES.items():
        path = tmp_path / "voices" / "speaker" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, demo[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])
    lines = [f"{name}: {text}" for name, (_, _, text) in PIECES.items()]
    (tmp_path / "voices" / "speaker" / "transcripts.txt").write_text("\n".join(lines))
    return tmp_path / "voices"


@pytest.fixture
def make(tmp_path, voices, run_script):
    """Run the command; returns exit status, stdout and stderr."""

    def run(*flags: str) -> tuple[int, str, str]:
        fixed = {"recordings": voices, "out": tmp_path / "train", "test-out": tmp_path / "test"}
        named = (f"--{key}={value}" for key, value in fixed.items())
        out = run_script("make_corpus", *named, "--synthetic=none", *RECOGNISER, *flags)
        return out.status, out.stdout, out.stderr

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_recordings_become_clips(make, voices, tmp_path):
    stranger = voices / "stranger"
    stranger.mkdir()
    (stranger / "x.wav").write_bytes((voices / "speaker" / "country.wav").read_bytes())
    status, out, _ = make("--test-share=0.4")
    assert status == 0, out
    print(out)
    (clip,) = (tmp_path / "train" / "aligned").glob("speaker_*.npz")
    spoken, voice = read_clip(clip)
    (tested,) = (tmp_path / "test").glob("speaker_*.npz")
    held, _ = read_clip(tested)
    assert voice == "speaker"
    labels, others = (
        [phone.label for phone in s.phones if phone.label != SILENCE] for s in (spoken, held)
    )
    assert len(labels) + len(others) == pytest.approx(69, abs=6)  # phones of the whole sentence
    assert labels and others
    assert "speaker" in out and "stranger" in out and "wrote" in out
    assert not list((tmp_path / "train" / "aligned").glob("stranger_*"))
    with np.load(clip) as data:
        motion, names = data["arkit"], list(data["arkit_names"])
        assert (float(data["fps"]), str(data["origin"])) == (30.0, "modelled")
    assert len(motion) == round(spoken.seconds * 30)
    jaw = motion[:, names.index("jawOpen")] - motion[:, names.index("mouthClose")]
    frames = {label: [] for label in ("M", "AE", "AA")}
    for phone in (*spoken.phones,):
        if phone.label in frames:
            frames[phone.label].append(jaw[round((phone.start + phone.end) / 2 * 30)])
    if frames["M"]:
        assert max(frames["M"]) < min(frames["AE"] + frames["AA"])


def test_the_same_command_continues_and_repeats(make, tmp_path):
    assert make()[0] == 0
    first = contents(tmp_path / "train")
    lost = next((tmp_path / "train" / "aligned").glob("speaker_*.npz"))
    marker = tmp_path / "train" / "aligned" / ".voices" / "speaker.json"
    marker.unlink()  # as where the run was stopped
    lost.unlink()
    assert make()[0] == 0
    again = contents(tmp_path / "train")
    assert first.keys() == again.keys()
    assert first["speaker_000.wav"] == again["speaker_000.wav"]
    sound = (tmp_path / "train" / "aligned" / "speaker_000.wav").stat().st_mtime_ns
    assert make()[0] == 0
    assert (tmp_path / "train" / "aligned" / "speaker_000.wav").stat().st_mtime_ns == sound


def refused(outcome: tuple[int, str, str], *words: str) -> None:
    status, _, err = outcome
    sentence = err.strip().splitlines()[-1]
    assert status == 2 and sentence.startswith("error: ") and "Traceback" not in err
    for word in words:
        assert word in sentence


def test_no_recordings(make, tmp_path):
    refused(make(f"--recordings={tmp_path / 'absent'}"), "absent", "no such folder")


def test_a_damaged_recording_is_named(make, voices):
    (voices / "speaker" / "ask.wav").write_bytes(b"not sound")
    refused(make("--test-share=0"), "ask.wav")


def test_unknown_speech_needs_known_speech(make, voices):
    (voices / "speaker" / "transcripts.txt").unlink()
    refused(make(), "speaker", "transcripts.txt")


def test_a_voice_is_not_both_trained_and_tested(make, voices):
    refused(make(f"--test-recordings={voices}"), "speaker", "both")


def test_shares_and_lengths_that_cannot_be(make):
    refused(make("--test-share=1.5"), "test-share")
    refused(make("--recogniser.steps=0"), "recogniser.steps")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there(make):
    refused(make("--device=cuda"), "CUDA")
