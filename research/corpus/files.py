"""Clips of the corpus on disk: `<id>.wav` with `<id>.npz`, and which voices are complete."""

from pathlib import Path

import numpy as np

from audio2mesh.data.clips import read_phones
from audio2mesh.data.phones import to_arrays
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from common.arrays import pick, read_arrays, write_arrays
from common.json_files import read_json, write_json
from common.wav_files import write_wav
from research.corpus.articulation import ARKIT_NAMES, articulate
from research.corpus.recordings import Utterance

FPS = 30.0  # of the motion


def write_clip(folder: Path, clip: Utterance, voice: str) -> None:
    """Sound as 16-bit WAV, motion modelled from the phones; `voice` is the speaking style."""
    write_wav(folder / f"{clip.name}.wav", clip.audio, SAMPLE_RATE)
    write_motion(folder / f"{clip.name}.npz", clip, voice)


def write_motion(path: Path, clip: Utterance, voice: str) -> None:
    """The .npz alone."""
    motion = {
        "arkit": articulate(clip.phones, clip.seconds, FPS).astype(np.float32),
        "arkit_names": np.array(ARKIT_NAMES),
        "fps": np.array(FPS),
        "style": np.array(voice),
        "origin": np.array("modelled"),
    }
    write_arrays(path, motion | to_arrays(clip.phones))


def read_clip(path: Path) -> tuple[Utterance, str]:
    """Sound and phones of a clip's .npz that `write_clip` wrote, and its voice."""
    arrays = read_arrays(path)
    voice = str(pick(path, arrays, "style"))
    return Utterance(
        path.stem, load_audio(path.with_suffix(".wav")), read_phones(path, arrays)
    ), voice


def clips_of(folder: Path, voice: str) -> list[Path]:
    """The .npz files of a voice's clips."""
    return sorted(folder.glob(f"{voice}_[0-9][0-9][0-9].npz"))


def remove_clips(folder: Path, voice: str) -> None:
    for path in clips_of(folder, voice):
        path.unlink()
        path.with_suffix(".wav").unlink(missing_ok=True)


def read_report(folder: Path, voice: str, fingerprint: str) -> dict[str, int] | None:
    """What `write_report` wrote, or None where this voice is not complete or was made otherwise."""
    path = _report_path(folder, voice)
    if not path.exists():
        return None
    report = read_json(path)
    return report["counts"] if report.get("fingerprint") == fingerprint else None


def write_report(folder: Path, voice: str, fingerprint: str, counts: dict[str, int]) -> None:
    """Mark a voice as complete; `counts` are its recordings used, and dropped by reason."""
    path = _report_path(folder, voice)
    path.parent.mkdir(exist_ok=True)
    write_json(path, {"fingerprint": fingerprint, "counts": counts})


def _report_path(folder: Path, voice: str) -> Path:
    return folder / ".voices" / f"{voice}.json"
