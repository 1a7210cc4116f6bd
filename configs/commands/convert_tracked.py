"""Turn tracked films of people who speak into clips to train and to measure on."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from audio2mesh.corpus.align import align
from audio2mesh.corpus.transcripts import read_transcripts
from audio2mesh.data.phones import Phone, to_arrays
from audio2mesh.sound import SAMPLE_RATE
from avatar.tracking.clip import write_clip
from common.errors import InputError
from configs.commands.upkeep_options import ConvertTrackedOptions

QUIET = 0.25  # seconds of silence at both ends, without which the aligner loses who speaks at once


def main(options: ConvertTrackedOptions) -> None:
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
    quiet = round(QUIET * SAMPLE_RATE)
    found = align(np.pad(audio, quiet), text)
    if found is None:
        raise InputError(f"{name}: the sound does not say {text!r}; mend or remove that transcript")
    seconds = len(audio) / SAMPLE_RATE
    shifted = (
        Phone(p.label, max(p.start - QUIET, 0.0), min(p.end - QUIET, seconds)) for p in found.phones
    )
    return to_arrays([phone for phone in shifted if phone.end > phone.start])
