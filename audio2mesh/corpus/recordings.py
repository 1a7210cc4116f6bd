"""Folders of voices: which recordings there are, who speaks, what is said, what is held out."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio2mesh.corpus.transcripts import FILE_NAME, Transcripts, read_transcripts
from audio2mesh.data.phones import Phone
from audio2mesh.sound import SAMPLE_RATE
from common.errors import InputError

SUFFIXES = frozenset({".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".g722"})


@dataclass(frozen=True)
class Spoken:
    """A recording with its phones."""

    name: str
    audio: np.ndarray  # [S] float32 at 16 kHz
    phones: tuple[Phone, ...]  # in seconds of the audio

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class VoiceFolder:
    """All recordings of one speaker."""

    name: str
    recordings: dict[str, Path]  # by name: the path within the folder, without suffix
    transcripts: Transcripts | None  # None where nobody wrote down what is said


def find_voices(folder: Path) -> list[VoiceFolder]:
    """Every folder inside `folder` that holds recordings is a voice, named like the folder.

    A file `transcripts.txt` in it says what its recordings say, in English.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: no folder in it holds recordings, or the transcripts name none of them.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; name one that holds a folder per voice")
    voices = [_voice(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    voices = [voice for voice in voices if voice.recordings]
    if not voices:
        raise InputError(
            f"{folder}: holds no voices; put the recordings of each in a folder of its own"
        )
    return voices


def _voice(folder: Path) -> VoiceFolder:
    recordings = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(_files_below(folder))
        if path.suffix.lower() in SUFFIXES
    }
    listed = folder / FILE_NAME
    transcripts = read_transcripts(listed) if listed.exists() else None
    if recordings and transcripts is not None and not recordings.keys() & transcripts.texts.keys():
        raise InputError(
            f"{listed}: names none of the recordings beside it; write their names without suffix"
        )
    return VoiceFolder(folder.name, recordings, transcripts)


def _files_below(folder: Path) -> list[Path]:
    return [Path(at) / name for at, _, names in os.walk(folder, followlinks=True) for name in names]


def is_held_out(voice: str, recording: str, share: float) -> bool:
    """Whether a recording is kept for tests: by its name alone, so that it stays so for ever."""
    digest = hashlib.sha256(f"{voice}/{recording}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
