"""What is compared with what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.device import Device


@dataclass(frozen=True)
class AvatarEvaluationOptions:
    """Measure how like the pictures of a capture an avatar is, where it was not trained on them."""

    avatar: Path
    """The avatar: a .ply of Gaussians bound to the mesh that the capture was tracked with."""
    capture: Path
    """The folder of the capture, with transforms_train.json, _val.json and _test.json."""
    split: Literal["train", "val", "test", "relight"] = "test"
    """val: held-out cameras; test: held-out sequences; relight: held-out cameras under held-out
    lights, where there are such; train: what was learned from."""
    flame: Path | None = None
    """Your FLAME file, for a capture tracked with FLAME."""
    report: Path | None = None
    """Also write the figures to this .json."""
    sheet: Path | None = None
    """Also write a .png of some views: truth, render, difference, and the face from near."""
    background: Literal["white", "black"] = "white"
    """What both pictures are laid on."""
    light_skin: str | None = None
    """The mean colour of the skin in white light, #rrggbb, where the avatar's colours hold light
    and the capture tells its lights; by default it is guessed from them."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


@dataclass(frozen=True)
class TrackingEvaluationOptions:
    """Measure how well a film was tracked, against the truth that make-capture --film wrote."""

    tracked: Path
    """The folder of the tracked capture, with motion.npz."""
    truth: Path
    """The folder of the true one."""
    report: Path | None = None
    """Also write the figures to this .json."""
    sheet: Path | None = None
    """Also write a .png of some frames with the tracked and the true mesh over them."""


@dataclass(frozen=True)
class PhotoEvaluationOptions:
    """Measure an avatar that make-avatar made of photos: on the photos themselves, while it speaks
    and is seen from the side, and, of a made-up person, against the truth."""

    avatar: Path
    """The avatar (.ply)."""
    photo: tuple[Path, ...]
    """The photos that it was made of, in the same order."""
    focal: float | None = None
    """Focal length of the photos, as it was given to make-avatar."""
    face: int = 0
    """Which of several faces, as it was given to make-avatar."""
    truth: Path | None = None
    """The picture of a capture (of make-capture) that the first photo is, or was made from: the
    capture's other pictures of the same moment are the truth."""
    audio: Path = DEMO_VOICE
    """The recording that the avatar speaks while it is looked at."""
    moments: int = 50
    """Moments of the speech that are looked at from each side, evenly spread."""
    report: Path | None = None
    """Also write the figures to this .json."""
    sheet: Path | None = None
    """Also write a .png: photos and avatar, the avatar from all sides, and the truth."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


@dataclass(frozen=True)
class ReenactmentEvaluationOptions:
    """Measure re-enactment: whether an avatar does what made-up actors did in films that
    make-capture --film made, and whether tracked performances tell who gave them."""

    tracked: tuple[Path, ...]
    """The folders that track wrote of the films."""
    truth: tuple[Path, ...]
    """The folders of the films themselves, in the same order."""
    avatar: Path = DEMO_AVATAR
    """The avatar that is moved."""
    report: Path | None = None
    """Also write the figures to this .json."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
