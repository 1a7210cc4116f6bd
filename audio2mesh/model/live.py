"""Speech that is still going on → vertex offsets, less than half a second behind it.

The encoder looks both ways, so it runs again every few frames over a window that ends now, and only
frames that lie a little back from its end are given out. Of what comes after them the run before
had its own idea, from which is cross-faded. Offline and live motion differ little: see
`docs/benchmarks.md`.
"""

import numpy as np
import torch
from torch import Tensor

from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import normalise_level
from audio2mesh.sound.waveform import frame_count

STEP, LOOKAHEAD = 6, 4  # frames given out at a time, and heard beyond the last one of them
FADE = 2  # frames over which one run is cross-faded into the next; at most LOOKAHEAD
WINDOW = 62  # frames that each run hears; with 50 or 75 lips come less near to the offline motion
MEMORY = 200  # frames by which the loudness of the speech is judged


class LiveMotion:
    """Motion of speech that arrives bit by bit.

    All frames together are as many as the recording's `stream_coefficients` gives; with weights of
    25 fps a frame comes out at most 400 ms after its start was heard.
    """

    def __init__(self, model: SpeechToMotion, style: str | None = None) -> None:
        """InputError for a speaking style that the weights do not have."""
        assert not model.training, "dropout would make the motion random"
        self.model = model
        self.style = torch.tensor([model.style_index(style)], device=model.basis.device)
        self.heard = torch.zeros(0)  # the latest samples
        self.samples = 0  # heard in total
        self.done = 0  # frames given out
        self.expected = model.basis.new_zeros(0, len(model.basis))  # by the last run, yet to come

    @property
    def latency(self) -> float:
        """Longest time in seconds from a frame's start to the time at which it comes out."""
        return (STEP + LOOKAHEAD) / self.model.fps

    def push(self, samples: np.ndarray) -> Tensor:
        """Hear samples [s], float32 mono at 16 kHz; coefficients [f, K] of the frames now ready.

        On the model's basis and device, as from `stream_coefficients`. Often there are none.
        """
        left = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
        ready = [self.expected[:0]]
        while len(left) >= (missing := self._next_run() - self.samples):
            self._hear(left[:missing])
            left = left[missing:]
            ready.append(self._run())
        self._hear(left)
        return torch.cat(ready)

    def finish(self) -> Tensor:
        """Coefficients [f, K] of the frames that remain when the speech has ended."""
        remaining = frame_count(self.samples, self.model.fps) - self.done
        frames = STEP + LOOKAHEAD + remaining
        silence = np.zeros(frames * SAMPLE_RATE // self.model.fps + 1, np.float32)
        return self.push(silence)[:remaining]

    def _next_run(self) -> int:
        """How many samples the next run waits for."""
        return self._sample(self.done + STEP + LOOKAHEAD)

    def _sample(self, frame: int) -> int:
        """The first sample of a frame."""
        return -(-frame * SAMPLE_RATE // self.model.fps)

    def _hear(self, samples: Tensor) -> None:
        self.samples += len(samples)
        self.heard = torch.cat([self.heard, samples])[-self._sample(MEMORY) :]

    @torch.no_grad()
    def _run(self) -> Tensor:
        """Coefficients [step, K] of the next frames."""
        size = self._sample(WINDOW)
        audio = normalise_level(self.heard)[-size:]
        audio = torch.cat([torch.zeros(size - len(audio)), audio]).to(self.style.device)
        features = self.model.levelled_features(audio[None])
        made = self.model.decode(features, self.style)[0]  # [window, K]
        made = made[-STEP - LOOKAHEAD :]
        fade = min(FADE, len(self.expected))
        ramp = (torch.arange(fade, device=made.device) + 0.5) / max(fade, 1)
        head = torch.lerp(self.expected[:fade], made[:fade], ramp[:, None])
        made = torch.cat([head, made[fade:]])
        self.expected = made[STEP:]
        self.done += STEP
        return made[:STEP]
