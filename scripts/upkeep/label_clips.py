"""Put the phones of known words into clips of speech."""

from dataclasses import dataclass
from pathlib import Path

from audio2mesh.data.phones import to_arrays
from audio2mesh.sound.waveform import load_audio
from common.arrays import read_arrays, write_arrays
from common.errors import InputError
from configs.cli import main
from configs.verbs import Verb
from research.corpus.align import phones_between_silence
from research.corpus.recordings import read_transcripts


@dataclass(frozen=True)
class LabelClipsOptions:
    """Put the phones of known English words into clips, such as those of track-films: evaluate
    speech then also counts closures by phone (needs the extra `corpus`)."""

    clips: Path
    """Folder of clips, <id>.npz and <id>.wav."""
    transcripts: Path
    """What is said, a line `id: words` for each clip."""


def label(options: LabelClipsOptions) -> None:
    texts = read_transcripts(options.transcripts).texts
    found = {name: options.clips / f"{name}.npz" for name in sorted(texts)}
    if strange := [name for name, path in found.items() if not path.is_file()]:
        raise InputError(f"{options.transcripts}: {options.clips} has no clip {strange[0]}")
    for name, path in found.items():
        phones = phones_between_silence(load_audio(path.with_suffix(".wav")), texts[name])
        if phones is None:
            raise InputError(
                f"{name}: the sound does not say {texts[name]!r}; mend or remove that transcript"
            )
        write_arrays(path, {**read_arrays(path), **to_arrays(phones)})
        print(f"{name}: {len(phones)} phones")


main(Verb(LabelClipsOptions, label), __name__)
