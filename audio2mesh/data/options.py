"""What of a data set is used."""

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test", "test-b"]
"""Part of a data set, where it has published parts; "test-b" holds subjects never trained on."""

LipSet = Literal["auto", "flame-masks", "files"]


@dataclass(frozen=True)
class RegionOptions:
    lip_set: LipSet = "auto"
    """Lip vertices of VOCASET and BIWI, from beside the data: flame-masks reads "lips" of
    FLAME_masks.pkl, files reads lve.txt (and fdd.txt, the upper face); auto takes what is there"""
    lip_gap: tuple[int, int] | None = None
    """upper and lower vertex between which the lip gap is measured; by default 3546 and 3504 for
    FLAME, and for BIWI the pair of neighbouring lip vertices that parts the most"""
