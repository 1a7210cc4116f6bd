"""What of a data set is used."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation", "test", "test-b"]
"""Part of a data set, where it has published parts; "test-b" holds subjects never trained on."""

AUDIO_SUFFIXES = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".g722")

LipSet = Literal["auto", "flame-masks", "files"]


@dataclass(frozen=True)
class RegionOptions:
    """Lip and upper-face vertices of VOCASET and BIWI."""

    lip_set: LipSet = "auto"
    """Lip vertices of VOCASET and BIWI, from beside the data: flame-masks reads "lips" of
    FLAME_masks.pkl, files reads lve.txt (and fdd.txt, the upper face); auto takes what is there."""
    lip_gap: tuple[int, int] | None = None
    """Upper and lower vertex between which the lip gap is measured; by default 3546 and 3504 for
    FLAME, and for BIWI the pair of neighbouring lip vertices that parts the most."""


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
    regions: RegionOptions = field(default_factory=RegionOptions)
    """Lip and upper-face vertices of VOCASET and BIWI."""
