"""Put the phones of known words into clips of speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio2mesh.data.clips import read_lag, read_rate
from audio2mesh.data.phones import Phone, to_arrays
from audio2mesh.sound.waveform import load_audio
from common.arrays import Arrays, pick, pick_floats, read_arrays, write_arrays
from common.errors import InputError
from configs.cli import main
from configs.verbs import Verb
from research.corpus.align import phones_between_silence
from research.corpus.articulation import with_contact
from research.corpus.recordings import read_transcripts


@dataclass(frozen=True)
class LabelClipsOptions:
    """Put the phones of known English words into clips, such as those of track-films: evaluate
    speech then also counts closures by phone (needs the extra `corpus`)."""

    clips: Path
    """Folder of clips, <id>.npz and <id>.wav."""
    transcripts: Path
    """What is said, a line `id: words` for each clip."""
    contact: bool = False
    """Put the lower lip at the upper teeth in f and v, which films do not show, for training."""


def label(options: LabelClipsOptions) -> None:
    texts = read_transcripts(options.transcripts)
    found = {name: options.clips / f"{name}.npz" for name in sorted(texts)}
    if strange := [name for name, path in found.items() if not path.is_file()]:
        raise InputError(f"{options.transcripts}: {options.clips} has no clip {strange[0]}")
    for name, path in found.items():
        phones = phones_between_silence(load_audio(path.with_suffix(".wav")), texts[name])
        if phones is None:
            raise InputError(
                f"{name}: the sound does not say {texts[name]!r}; mend or remove that transcript"
            )
        clip = {**read_arrays(path), **to_arrays(phones)}
        if options.contact:
            clip["arkit"] = _with_contact(path, clip, phones)
        write_arrays(path, clip)
        print(f"{name}: {len(phones)} phones")


def _with_contact(path: Path, clip: Arrays, phones: Sequence[Phone]) -> np.ndarray:
    names = [str(name) for name in pick(path, clip, "arkit_names")]
    weights = pick_floats(path, clip, "arkit", (len(names),))
    times = np.arange(len(weights)) / read_rate(path, clip) - read_lag(path, clip)
    return with_contact(weights, names, phones, times).astype(np.float32)


main(Verb(LabelClipsOptions, label), __name__)
