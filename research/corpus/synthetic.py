"""Synthetic voices, whose phone times are exact: the programs festival and flite.

They are used where they are installed; each says itself which phones it speaks and when they end.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from common.errors import InputError
from research.corpus.recordings import Utterance

_ARPABET = {"AX": "AH", "AXR": "ER", "PAU": SILENCE, "H#": SILENCE, "BRTH": SILENCE, "DX": "D"}
_ARPABET |= {"EL": "L", "EM": "M", "EN": "N", "NX": "N", "HV": "HH", "IX": "IH", "UX": "UW"}


@dataclass(frozen=True)
class SyntheticVoice:
    name: str
    program: str  # of _SPEAK
    program_voice: str


VOICES = (
    SyntheticVoice("festival_slt", "festival", "cmu_us_slt_arctic_hts"),
    SyntheticVoice("festival_kal", "festival", "kal_diphone"),
    SyntheticVoice("festival_ked", "festival", "ked_diphone"),
    SyntheticVoice("flite_awb", "flite", "awb"),
    SyntheticVoice("flite_rms", "flite", "rms"),
    SyntheticVoice("flite_slt", "flite", "slt"),
)


def available_voices() -> list[SyntheticVoice]:
    """The voices whose program is installed and can speak with them."""
    return [voice for voice in VOICES if shutil.which(voice.program) and _speaks(voice)]


def speak(voice: SyntheticVoice, name: str, text: str) -> Utterance:
    """Let a voice read `text`, plain words. OSError where the program fails."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        ends = _SPEAK[voice.program](voice.program_voice, text, sound)
        audio = load_audio(sound)
    return Utterance(name, audio, phones_from_ends(ends, len(audio) / SAMPLE_RATE))


def phones_from_ends(ends: list[tuple[str, float]], seconds: float) -> tuple[Phone, ...]:
    """Symbols of the program with the second at which each ends → ARPAbet; the last ends last."""
    starts = [0.0, *(end for _, end in ends[:-1])]
    stops = [*starts[1:], seconds]
    return tuple(
        Phone(_arpabet(symbol), start, stop)
        for (symbol, _), start, stop in zip(ends, starts, stops, strict=True)
        if stop > start
    )


def _arpabet(symbol: str) -> str:
    upper = symbol.upper()
    label = _ARPABET.get(upper, upper)
    if label not in PHONES:
        raise InputError(f"the synthetic voice says {symbol!r}, which is no phone known here")
    return label


def _speaks(voice: SyntheticVoice) -> bool:
    try:
        speak(voice, "probe", "one")
    except OSError:
        return False
    return True


def _festival(voice: str, text: str, sound: Path) -> list[tuple[str, float]]:
    script, labels = sound.with_suffix(".scm"), sound.with_suffix(".lab")
    script.write_text(
        f'(voice_{voice})\n(set! u (SynthText "{text}."))\n'
        f'(utt.save.segs u "{labels}")\n(utt.save.wave u "{sound}")\n'
    )
    _run(["festival", "-b", str(script)], sound)
    rows = [line.split() for line in labels.read_text().splitlines()]
    return [(row[2], float(row[0])) for row in rows if len(row) == 3]


def _flite(voice: str, text: str, sound: Path) -> list[tuple[str, float]]:
    printed = _run(["flite", "-voice", voice, "-psdur", "-t", f"{text}.", "-o", str(sound)], sound)
    pairs = [item.rsplit(":", 1) for item in printed.split()]
    return [(symbol, float(end)) for symbol, end in pairs]


_SPEAK = {"festival": _festival, "flite": _flite}
"""What says a text in a voice into a file of sound, by program: the phones and their ends."""


def _run(command: list[str], sound: Path) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0 or not sound.exists():
        raise OSError(f"{command[0]} could not speak: {result.stderr.strip() or 'wrote no sound'}")
    return result.stdout
