"""Speech in, vertex motion out. Knows nothing of Gaussians."""

from typing import TYPE_CHECKING

import common.threads  # noqa: F401  before torch is loaded
from common.lazy import lazy_names

if TYPE_CHECKING:
    from audio2mesh.model.checkpoint import load_model as load_model
    from audio2mesh.model.checkpoint import save_model as save_model
    from audio2mesh.model.manner import Habits as Habits
    from audio2mesh.model.manner import Manner as Manner
    from audio2mesh.model.manner import load_manner as load_manner
    from audio2mesh.model.manner import manner_of as manner_of
    from audio2mesh.model.manner import with_manner as with_manner
    from audio2mesh.model.speech_to_motion import SpeechToMotion as SpeechToMotion
    from audio2mesh.model.stream import hear as hear
    from audio2mesh.model.stream import stream_offsets as stream_offsets
    from audio2mesh.sound.waveform import frame_count as frame_count
    from audio2mesh.sound.waveform import load_audio as load_audio
    from audio2mesh.sound.waveform import probe_audio as probe_audio
    from audio2mesh.sound.waveform import stated_seconds as stated_seconds
    from audio2mesh.sound.waveform import stream_audio as stream_audio
else:
    __getattr__ = lazy_names(__file__)
