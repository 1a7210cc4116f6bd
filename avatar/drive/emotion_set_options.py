"""The options of a set of speech with feelings."""

from dataclasses import dataclass
from pathlib import Path

from avatar.drive.film_options import FASTEST, SLOWEST
from avatar.face.emotion.presets import EMOTIONS, NEUTRAL
from common.device import Device
from common.errors import InputError


@dataclass(frozen=True)
class EmotionSetOptions:
    """Write every recording with every feeling in every intensity, as motion of any head.

    Each becomes <recording>_<feeling>_<percent>.npz, a motion file as --save-motion of driving
    writes it that also holds its feeling (`style`), its intensity and the recording's phones, with
    the sound beside it as .wav; labels.json lists them. Of anny-head such a folder is one to train
    on: weights learn the feelings as speaking styles. The same command continues a set that was
    stopped.
    """

    data: tuple[Path, ...]
    """Folders of recordings: <id>.flac (or .wav, ..); where <id>.npz beside one holds its motion,
    this is used, else what the weights make of the sound."""
    out: Path
    """The folder to write."""
    emotions: tuple[str, ...] = tuple(EMOTIONS)
    """Feelings, by the names that --emotion of driving knows, mixtures such as
    happy:0.4,surprise:0.3 among them; neutral is written once."""
    intensities: tuple[float, ...] = (0.33, 0.66, 1.0)
    """How strong each is, from 0 to 1."""
    mesh: Path | None = None
    """The head that moves: any mesh (.glb, .obj, .ply). Without --mesh and --avatar: FLAME's mean
    head with --flame, else anny-head."""
    avatar: Path | None = None
    """Instead of a mesh an avatar, as driving opens it."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz)."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    fps: float | None = None
    """Frames a second; by default what the weights were trained at (25)."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


def wanted_feelings(options: EmotionSetOptions) -> list[tuple[str, float]]:
    """Words of --emotion and intensity of each file; raises InputError for options that cannot
    work."""
    if not options.emotions or not options.intensities:
        raise InputError("--emotions and --intensities: name at least one of each")
    if options.mesh and options.avatar:
        raise InputError("give the head that moves with either --mesh or --avatar")
    if options.fps is not None and not SLOWEST <= options.fps <= FASTEST:
        raise InputError(f"--fps {options.fps:g}: must be from {SLOWEST:g} to {FASTEST:g}")
    for level in options.intensities:
        if not 0 < level <= 1:
            raise InputError(f"--intensities {level:g}: must be above 0 and at most 1")
    pairs = [
        (words, level)
        for words in options.emotions
        if words != NEUTRAL
        for level in options.intensities
    ]
    return ([(NEUTRAL, 0.0)] if NEUTRAL in options.emotions else []) + pairs
