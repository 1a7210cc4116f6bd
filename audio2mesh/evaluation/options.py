"""What is measured, and on which recordings."""

from dataclasses import dataclass, field
from pathlib import Path

from audio2mesh.data.options import RegionOptions, Split
from common.device import Device


@dataclass(frozen=True)
class MaterialOptions:
    """Recordings to measure on."""

    data: tuple[Path, ...]
    """Folders of recordings: <id>.flac (or .wav, ..), with motion and phones, where they are known,
    in <id>.npz; or VOCASET or BIWI."""
    clips: tuple[str, ...] = ()
    """Ids of the recordings to use; by default all of them."""
    split: Split = "test"
    """Part of VOCASET or BIWI to use."""
    regions: RegionOptions = field(default_factory=RegionOptions)
    """Lip and upper-face vertices of VOCASET and BIWI."""


@dataclass(frozen=True)
class EvaluateOptions(MaterialOptions):
    """Measure speech-to-motion weights on recordings, with or without their true motion."""

    weights: Path | None = None
    """Weights file, row "weights"; by default the weights that ship."""
    compare: tuple[str, ...] = ()
    """Further rows, each as NAME=FILE of weights."""
    training: tuple[Path, ...] = ()
    """Folders of clips whose mean motion makes the row "mean"; those under test are left out."""
    still: bool = False
    """Add the row "still", a face that never moves."""
    weights_style: str | None = None
    """Speaking style of the weights, by default the neutral one; "own" takes for each recording the
    one that it names, where the weights have it."""
    report: Path | None = None
    """JSON file to write the figures to."""
    syncnet: Path | None = None
    """SyncNet3D that measures LSE-D and LSE-C; by default the one that ships."""
    lip_reading: bool = False
    """Also measure the phone error rate of lip-reading the rendered mouth, where phones are known;
    drawing every frame takes a while."""
    lipreader: Path | None = None
    """Lip reader for it; by default the one that ships."""
    transcripts: Path | None = None
    """What is said, a line `id: words` for each recording, all of as many words: lip-reading then
    also gives the word error rate, where each word is one of those said at its place in the file
    (needs the extra `corpus`)."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
