"""The options of the corpus: of building it, of its phone recogniser."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio2mesh.training.options import StepOptions
from common.device import ComputeOptions


@dataclass(frozen=True)
class RecogniserOptions(StepOptions):
    """Training of the phone recogniser."""

    batch: int = 8
    """Windows of 8 s per step."""
    learning_rate: float = 2e-3
    """Peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    average: float = 0.0
    """Decay per step of the running average of the weights, which is what is saved; 0 for none."""
    passes: int = 2
    """Times the recordings are heard, each time augmented anew."""


@dataclass(frozen=True)
class CorpusOptions(ComputeOptions):
    """Turn recordings of speech into clips whose mouth motion is modelled from the phones.

    Every folder inside --recordings is one voice. Where it holds a file transcripts.txt (lines
    `name: text`, the name being the recording's path in that folder without suffix, or lines
    `text (name)`), its text is English and is aligned with the sound. Voices without that file may
    speak any language: a phone recogniser, trained here on the aligned and the synthetic voices,
    finds their phones.

    Public recordings: the Debian packages asterisk-core-sounds-{en,es,fr,it,ru}-g722 (CC BY-SA 3.0)
    unpack to one folder per voice; the English text is core-sounds-en.txt of the upstream release
    asterisk-core-sounds-en-wav-current.tar.gz at downloads.asterisk.org, to be put into the English
    folder as transcripts.txt. Synthetic voices speak where the programs festival and flite are
    installed (Debian: festival festvox-us-slt-hts festvox-kallpc16k festvox-kdlpc16k flite).

    The same command continues a run that was stopped. The motion of clips that are already there is
    computed anew from their phones.
    """

    recordings: Path
    """Folder that holds a folder of recordings per voice (.g722, .wav, .flac, .mp3, .ogg, ..)."""
    out: Path
    """Folder for the clips to train on: aligned/ holds those with a text, synthetic ones among
    them, recognised/ those whose phones the recogniser found."""
    test_out: Path
    """Folder for the clips to test on: the recordings held out and those of --test-recordings."""
    test_recordings: Path | None = None
    """Folder of the same form whose recordings are only for tests."""
    synthetic: Literal["auto", "none"] = "auto"
    """Synthetic voices that read the transcripts: auto takes those that are installed."""
    test_share: float = 0.12
    """Share of the transcribed recordings that is kept for tests, chosen by their names."""
    seed: int = 0
    """Seed of the order of the recordings and the pauses between them."""
    recogniser: RecogniserOptions = field(default_factory=RecogniserOptions)
    """Training of the phone recogniser."""
