"""Any audio or video file → float32 samples, streamed in bounded memory.

PyAV decodes; encoder delay and padding are removed where the container tells them.
The network hears mono at 16 kHz; a video's sound track is the same file in stereo at its own rate.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.resampling import (
    Samples,
    is_cut_off,
    resample_blocks,
    starts_like_mp4,
    stereo_downmix,
    with_channels,
)
from common.errors import InputError

BLOCK_SAMPLES = 16_384
"""Decoded samples that are gathered before one resampling call."""

_HEADERLESS = {".g722": "g722"}  # formats that only the file's name tells; G.722 is 16 kHz mono

MISSING_SECONDS = 0.1
"""A file that decodes to this much less than its header declares counts as cut off."""


@dataclass(frozen=True)
class _Block:
    rate: int
    samples: Samples  # [s, C], C is 1 or 2


def probe_audio(path: str | Path) -> float:
    """Decode the whole file once, keeping nothing: the seconds of its sound.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is a folder, not media, without sound, empty, cut off, damaged, or holds
            NaN or infinite samples.
    """
    return sum(len(block.samples) / block.rate for block in _gather(_decode(Path(path))))


def stated_seconds(path: str | Path) -> float | None:
    """The length that a file states or that follows from its size: for a progress bar, no more.

    Raises as `probe_audio` does for what is no media or has no sound in it, at once.
    """
    with _open(Path(path)) as container:
        _audio_stream(Path(path), container)
        return None if container.duration is None else container.duration / av.time_base


def stream_audio(path: str | Path, rate: int = SAMPLE_RATE, mono: bool = True) -> Iterator[Samples]:
    """Yield the sound in blocks at `rate` samples per second, clipped to [-1, 1].

    Blocks are [s] where `mono`, else [s, C]: the file's own one or two channels, or the stereo
    downmix of more. Together they are as long as the file, to within a sample. Raises as
    `probe_audio` does, part-way where the fault is part-way.
    """
    channels = 1 if mono else 0
    for run_rate, blocks in groupby(_gather(_decode(Path(path))), lambda block: block.rate):
        first = next(blocks)
        channels = channels or first.samples.shape[1]
        runs = (with_channels(block.samples, channels) for block in chain([first], blocks))
        for samples in resample_blocks(runs, run_rate, rate, channels):
            clipped = np.clip(samples, -1.0, 1.0)
            yield clipped[:, 0] if mono else clipped


def load_audio(path: str | Path, rate: int = SAMPLE_RATE) -> Samples:
    """The whole sound as mono [S] at `rate`, for files short enough to hold in memory."""
    return np.concatenate(list(stream_audio(path, rate)))


def frame_count(samples: int, fps: float) -> int:
    """Frames that a recording of `samples` samples at 16 kHz lasts, at least one."""
    return max(1, round(samples / SAMPLE_RATE * fps))


def _gather(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Join the codec's short frames, so that the work per block is worth its call."""
    for (rate, _), run in groupby(blocks, lambda block: (block.rate, block.samples.shape[1])):
        held: list[Samples] = []
        for block in run:
            held.append(block.samples)
            if sum(map(len, held)) >= BLOCK_SAMPLES:
                yield _Block(rate, np.concatenate(held))
                held = []
        if held:
            yield _Block(rate, np.concatenate(held))


def _decode(path: Path) -> Iterator[_Block]:
    """The decoder's frames in order, checked, without the padding of the codec."""
    with _open(path) as container:
        stream = _audio_stream(path, container)
        declared = _declared_seconds(container, stream)
        blocks = _frames(path, container, stream)
        if "mp4" in container.format.name:
            blocks = _without_end_padding(blocks, declared)
        seconds = 0.0
        for block in blocks:
            finite = np.isfinite(block.samples).all(axis=1)  # [s]
            if not finite.all():
                raise InputError(
                    f"{path}: the sound has NaN or infinite samples from "
                    f"{seconds + np.argmin(finite) / block.rate:.2f} s on; "
                    "export it again as 16-bit audio"
                )
            seconds += len(block.samples) / block.rate
            yield block
    if is_cut_off(path) or seconds < declared - MISSING_SECONDS:
        raise _cut_off(path, seconds)


def _open(path: Path) -> InputContainer:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name an audio or video file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; check the name of the audio file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; record or export it again")
    try:
        return av.open(
            str(path.absolute()),
            format=_HEADERLESS.get(path.suffix.lower()),
            metadata_errors="ignore",
            options={"protocol_whitelist": "file"},
        )
    except PermissionError:
        raise PermissionError(f"{path}: may not be read; change its permissions") from None
    except FFmpegError as error:
        if isinstance(error, EOFError) or is_cut_off(path) or starts_like_mp4(path):
            raise _cut_off(path) from None
        raise InputError(
            f"{path}: is not an audio or video file; give a recording such as .wav, .mp3, .flac, "
            ".ogg, .m4a, .webm or .mp4"
        ) from None


def _audio_stream(path: Path, container: InputContainer) -> AudioStream:
    stream = container.streams.best("audio")
    if stream is None:
        raise InputError(f"{path}: has no sound in it; give a file with an audio track")
    assert isinstance(stream, AudioStream)
    if stream.codec_context is None:
        raise InputError(
            f"{path}: there is no decoder for the format of its sound; convert it to .wav or .flac"
        )
    return stream


def _frames(path: Path, container: InputContainer, stream: AudioStream) -> Iterator[_Block]:
    """Decoded frames. Junk before the first one is skipped, as players do; later it is an error."""
    seconds, failed = 0.0, False
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            # A WAV of unknown length ends in the same flag; its header is checked instead.
            failed |= packet.is_corrupt and container.format.name != "wav"
            frames = stream.codec_context.decode(packet)
        except StopIteration:
            break
        except FFmpegError:
            failed, frames = True, []
        if failed and seconds > 0.0:
            raise _cut_off(path, seconds)
        for frame in frames:
            failed = False
            seconds += frame.samples / frame.sample_rate
            yield _Block(frame.sample_rate, _to_float(frame))
    if failed:
        raise _cut_off(path, seconds)
    if seconds == 0.0:
        raise InputError(f"{path}: its sound has zero length; record or export it again")


def _without_end_padding(blocks: Iterable[_Block], declared: float) -> Iterator[_Block]:
    """Cut the part of the last codec frame that MP4's edit list leaves out and libav keeps."""
    seconds = 0.0
    for block, following in pairwise(chain(blocks, [None])):
        assert block is not None
        excess = round((seconds + len(block.samples) / block.rate - declared) * block.rate)
        if following is None and 0 < excess < len(block.samples):
            block = _Block(block.rate, block.samples[:-excess])
        seconds += len(block.samples) / block.rate
        yield block


def _declared_seconds(container: InputContainer, stream: AudioStream) -> float:
    """The length the header states, or 0 where it states none or libav only estimates it."""
    kind = container.format.name
    if "matroska" in kind:
        duration = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
        hours, minutes, seconds = map(float, duration.groups()) if duration else (0.0, 0.0, 0.0)
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        return 3600 * hours + 60 * minutes + seconds - start
    exact = kind in ("flac", "aiff", "caf", "w64") or "mp4" in kind
    # A start time shows that an MP3 has the header with its true length.
    if exact or (kind == "mp3" and stream.start_time):
        return float((stream.duration or 0) * (stream.time_base or 0))
    return 0.0


def _cut_off(path: Path, seconds: float = 0.0) -> InputError:
    where = f" after {seconds:.2f} s" if seconds > 0.0 else ""
    return InputError(
        f"{path}: the sound is cut off or damaged{where}; copy, download or export it again"
    )


def _to_float(frame: AudioFrame) -> Samples:
    """Samples of any format and layout → [s, C] in [-1, 1], C is 1 or 2."""
    channels = frame.layout.nb_channels
    if channels >= 8 and frame.format.is_planar:  # PyAV reads past the end of eight planes
        (frame,) = AudioResampler(format=frame.format.packed).resample(frame)
    raw: NDArray[Any] = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(-1, channels)  # [s, C]
    if raw.dtype == np.uint8:
        samples = (raw.astype(np.float32) - 128.0) / 128.0
    elif np.issubdtype(raw.dtype, np.integer):
        samples = raw.astype(np.float32) * np.float32(-1.0 / np.iinfo(raw.dtype.name).min)
    else:
        with np.errstate(over="ignore"):  # becomes infinite, which is reported
            samples = raw.astype(np.float32)
    if channels <= 2:
        return samples
    return samples @ stereo_downmix([channel.name for channel in frame.layout.channels])
