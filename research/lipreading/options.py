"""The options of the lip reader's training."""

from dataclasses import dataclass, field
from pathlib import Path

from audio2mesh.lipreading.options import LipReadOptions, LipTrainOptions
from common.device import Device


@dataclass(frozen=True)
class LipFitOptions:
    """Train the lip reader on synthetic people who say sentences.

    Synthetic voices (the programs festival and flite; Debian: festival festvox-us-slt-hts
    festvox-kdlpc16k flite) give the start and end of each phone of a sentence; the articulation
    model moves a mouth that is new in each window: another face, skin, light, side and habit of
    speech. Of the lines of --text every fiftieth is only tested on, said by voices and people that
    are not in training, and the one after it is for validation.
    """

    text: Path
    """Text file with one English sentence on each line."""
    out: Path
    """Weights file to write (.safetensors)."""
    data: tuple[Path, ...] = ()
    """Folders of clips (<id>.npz with <id>.flac) whose motion is also shown, on the same synthetic
    people; those without phones teach the mouth's shape."""
    shown: float = 0.1
    """Share of the windows that show a clip of --data."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    start: Path | None = None
    """Lip reader to begin from, in place of a new one; --network is not looked at."""
    cache: Path = Path("said_sentences")
    """Folder in which the sentences' phones are kept."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is. Mouths are always drawn on the CPU."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
    network: LipReadOptions = field(default_factory=LipReadOptions)
    """Size of the network."""
    train: LipTrainOptions = field(default_factory=LipTrainOptions)
    """The training."""
