"""What of a data set is used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation", "test", "test-b"]
"""Part of a data set, where it has published parts; "test-b" holds subjects never trained on."""

AUDIO_SUFFIXES = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".g722")


@dataclass(frozen=True)
class SourceOptions:
    """What speech-to-motion weights are trained and scored on."""

    data: tuple[Path, ...]
    """Folders of training data: speech-motion clips (<id>.flac, or .wav, .., with <id>.npz),
    VOCASET or BIWI; all of one topology."""
    share: tuple[float, ...] = ()
    """Each folder's share of the training, in its order; by default by the root of its duration."""
    held_out: tuple[str, ...] = ()
    """Ids of clips that are only scored, besides the validation part of a published split."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
