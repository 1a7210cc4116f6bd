"""Frames that sound → phrases between pauses."""

from collections import deque

PAUSE = 18
"""Frames without sound that end a phrase, and that are looked ahead to find its start."""
_SOUNDING, _VOICED = 9, 6  # of the next PAUSE frames, in a phrase that starts
_AFTER_VOICE = 25  # frames that an unvoiced sound may last at a phrase's end


class PhraseFinder:
    """Says of one frame after another whether it lies within a phrase, `PAUSE` frames behind."""

    def __init__(self) -> None:
        self._sound = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._voiced = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._lasting = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._since_voice = 0
        self._speaking = False

    def push(self, sound: bool, voiced: bool) -> bool:
        """Hear a frame; whether the one `PAUSE` before it is within a phrase."""
        self._since_voice = 0 if voiced else self._since_voice + 1
        self._sound.append(sound)
        self._voiced.append(voiced)
        self._lasting.append(sound and self._since_voice <= _AFTER_VOICE)
        if self._speaking:
            self._speaking = any(self._lasting)
        elif self._sound[0]:
            sounding, voiced_frames = sum(self._sound), sum(self._voiced)
            self._speaking = sounding >= _SOUNDING and voiced_frames >= _VOICED
        return self._speaking
