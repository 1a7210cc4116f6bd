"""Turn tracked films of people who speak into clips to train and to measure on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from audio2mesh.data.phones import to_arrays
from common.errors import InputError
from configs.cli import main
from configs.verbs import Verb
from research.corpus.align import phones_between_silence
from research.corpus.recordings import read_transcripts
from research.upkeep.tracked_clip import write_clip


@dataclass(frozen=True)
class ConvertTrackedOptions:
    """Turn tracked films of people who speak into clips, on which `train motion` trains and
    evaluate speech measures."""

    tracked: tuple[Path, ...]
    """Folders that `track` wrote; each becomes <folder>.wav with <folder>.npz."""
    out: Path
    """Folder for the clips; made if absent."""
    transcripts: Path | None = None
    """What is said, a line `folder: words` for each folder where it is known: the clip then also
    holds the phones (needs the extra `corpus`)."""


def convert(options: ConvertTrackedOptions) -> None:
    names = [folder.absolute().name for folder in options.tracked]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"--tracked: two folders are called {sorted(twice)[0]}; rename one")
    texts = read_transcripts(options.transcripts).texts if options.transcripts else {}
    if strange := sorted(set(texts) - set(names)):
        raise InputError(f"{options.transcripts}: --tracked names no folder called {strange[0]}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, folder in zip(names, options.tracked, strict=True):
        labels = partial(phones_of, name, texts.get(name))
        print(f"{name}: {write_clip(folder, options.out / f'{name}.npz', labels):.1f} s")


def phones_of(name: str, text: str | None, audio: np.ndarray) -> Mapping[str, np.ndarray]:
    """The phones of audio [S] at 16 kHz that says `text`, as a clip's arrays; none without one."""
    if text is None:
        return {}
    phones = phones_between_silence(audio, text)
    if phones is None:
        raise InputError(f"{name}: the sound does not say {text!r}; mend or remove that transcript")
    return to_arrays(phones)


main(Verb(ConvertTrackedOptions, convert), __name__)
