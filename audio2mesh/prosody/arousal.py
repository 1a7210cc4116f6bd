"""How excited a voice sounds."""

import numpy as np

from audio2mesh.prosody.record import Prosody

_LEAST_VOICED = 50  # frames; of less nothing is told
_RANGE = 7.0, 3.0  # semitones from the 10th to the 90th percentile of pitch
_RISE = 3.5, 1.5  # semitones of the mean pitch over its 10th percentile
_SWING = 10.0, 2.5  # dB, standard deviation of the energy in phrases
_RATE = 3.5, 1.0  # nuclei a second of speech
"""Mean and standard deviation over calm and lively speech alike, by hand."""


def arousal(prosody: Prosody) -> float:
    """How excited a voice sounds, from 0 to 1; 0.5 is everyday speech, 0 where nobody speaks.

    By pitch (its mean and its range over the speaker's lowest), by how much the loudness varies,
    and by pace, which all grow with excitement. It says nothing of which feeling it is: joy and
    anger sound alike in these, and from sound alone people, too, name only four in ten emotions.
    The scale is set by hand, not learned from labelled voices.
    """
    pitch = prosody.pitch[~np.isnan(prosody.pitch)]
    if len(pitch) < _LEAST_VOICED:
        return 0.0
    low, high = np.percentile(pitch, (10, 90))
    spoken = prosody.speaking
    values = (high - low, pitch.mean() - low, prosody.energy[spoken].std())
    rate = prosody.rate[spoken].mean()
    scores = [
        (value - mean) / deviation
        for value, (mean, deviation) in zip(
            (*values, rate), (_RANGE, _RISE, _SWING, _RATE), strict=True
        )
    ]
    return float(1 / (1 + np.exp(-np.mean(scores))))
