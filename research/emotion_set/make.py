"""Talking clips × emotions × intensities: motion files with sound and labels, of any head."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio2mesh import SpeechToMotion, frame_count, load_model
from audio2mesh.data.phones import to_arrays
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound import SAMPLE_RATE
from avatar.avatar_io.open_avatar import check_flame, open_avatar
from avatar.behaviour.emotion_presets import EMOTIONS, NEUTRAL
from avatar.behaviour.emotion_timeline import EmotionTimeline, parse_emotions
from avatar.drive.direction import SHIPPED
from avatar.drive.emotion import with_emotion
from avatar.drive.motion import Curves, DrivenMotion, motion_file
from avatar.drive.performance import beside_speech
from avatar.drive.retarget import avatar_face, mesh_transfer, retarget_basis
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.flame_model import load_flame
from avatar.heads.head import ANY_MESH, FLAME
from avatar.lipreading.sound_delay import speaking_head
from avatar.retarget.fitted_face import Face, face_of, shipped_face
from common.claimed_folder import claim_folder
from common.device import ComputeOptions, pick_device
from common.errors import InputError, naming
from common.json_files import write_json
from common.progress import progress_bar
from common.wav_files import write_wav
from research.evaluation.options import MaterialOptions
from research.evaluation.speech.recordings import Recording, load_material

NOT_IN_OPTIONS = ("out", "threads", "device")
LABELS = "labels.json"


@dataclass(frozen=True)
class EmotionSetOptions(ComputeOptions):
    """Write every recording with every emotion at every intensity, as motion of any head.

    Each becomes <recording>_<emotion>_<percent>.npz, a motion file as --save-motion of driving
    writes it that also holds its emotion (`style`), its intensity and the recording's phones, with
    the sound beside it as .wav; labels.json lists them. Of anny-head such a folder is one to train
    on: weights learn the emotions as speaking styles. The same command continues a set that was
    stopped.
    """

    data: tuple[Path, ...]
    """Folders of recordings: <id>.flac (or .wav, ..); where <id>.npz beside one holds its motion,
    this is used, else what the weights make of the sound."""
    out: Path
    """The folder to write."""
    emotions: tuple[str, ...] = tuple(EMOTIONS)
    """Emotions, by the names that --emotion of driving knows, mixtures such as
    happy:0.4,surprise:0.3 among them; neutral is written once."""
    intensities: tuple[float, ...] = (0.33, 0.66, 1.0)
    """How strong each is, from 0 to 1."""
    mesh: Path | None = None
    """The head that moves: any mesh (.glb, .obj, .ply). Without --mesh and --avatar: FLAME's mean
    head with --flame, else anny-head."""
    avatar: Path | None = None
    """Instead of a mesh an avatar, as driving opens it."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz)."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""


@dataclass(frozen=True)
class Made:
    """One file of a set."""

    name: str  # of the .npz and the .wav, without suffix
    recording: str
    emotion: str  # as --emotion of driving says it
    intensity: float


def make_emotions(options: EmotionSetOptions) -> list[Made]:
    """Write what of the set is not there yet, and the list of all of it.

    Bad input raises InputError or OSError with one sentence; every file is written whole or not at
    all, and the same options continue a set.
    """
    emotions = [(words, level, parse_emotions(words, level)) for words, level in _wanted(options)]
    model = load_model(options.weights, pick_device(options.device))
    fps = float(model.fps)
    material = load_material(MaterialOptions(options.data), *speaking_head())
    face = _face(options)
    claim_folder(options.out, _claimed(options), "set of emotions")
    made = []
    with progress_bar("emotions", len(material.recordings) * len(emotions), "files/s") as done:
        for recording in material.recordings:
            speech = None
            for words, level, emotion in emotions:
                each = Made(_name(recording, words, level), recording.name, words, level)
                if not (options.out / f"{each.name}.npz").is_file():
                    speech = speech or _speech(face, model, recording, fps, options)
                    _write(options.out, each, recording, _expressed(face, speech, emotion, fps))
                made.append(each)
                done()
    write_json(options.out / LABELS, [asdict(each) for each in made])
    return made


def _wanted(options: EmotionSetOptions) -> list[tuple[str, float]]:
    """Words of --emotion and intensity of each file; raises InputError for options that cannot
    work."""
    if not options.emotions or not options.intensities:
        raise InputError("--emotions and --intensities: name at least one of each")
    if options.mesh and options.avatar:
        raise InputError("give the head that moves with either --mesh or --avatar")
    if options.mesh or options.avatar:
        check_flame(options.flame, options.avatar, options.weights)
    for level in options.intensities:
        if not 0 < level <= 1:
            raise InputError(f"--intensities {level:g}: must be above 0 and at most 1")
    pairs = [
        (words, level)
        for words in options.emotions
        if words != NEUTRAL
        for level in options.intensities
    ]
    wanted = ([(NEUTRAL, 0.0)] if NEUTRAL in options.emotions else []) + pairs
    names = [_label(words, level) for words, level in wanted]
    if len(set(names)) < len(names):
        raise InputError("--emotions and --intensities: one is named twice; leave it out")
    return wanted


def _claimed(options: EmotionSetOptions) -> dict[str, Any]:
    """The options that decide what a set holds, as plain values."""
    chosen = {k: v for k, v in asdict(options).items() if k not in NOT_IN_OPTIONS}
    return json.loads(json.dumps(chosen, default=str))


def _name(recording: Recording, words: str, level: float) -> str:
    return f"{recording.name.replace('/', '_')}_{_label(words, level)}"


def _label(words: str, level: float) -> str:
    """An emotion as part of a file's name: happy_066."""
    plain = re.sub(r"[^\w.-]+", "-", words)
    return plain if words == NEUTRAL else f"{plain}_{round(100 * level):03d}"


def _face(options: EmotionSetOptions) -> Face:
    if options.avatar:
        return avatar_face(options.avatar, open_avatar(options.avatar, options.flame))
    if options.mesh:
        with naming(options.mesh):
            return face_of(read_mesh(options.mesh).mesh, ANY_MESH)
    if options.flame:
        flame = load_flame(options.flame)
        return face_of(Mesh(flame.template, flame.faces), FLAME)
    return shipped_face()


def _speech(
    face: Face,
    model: SpeechToMotion,
    recording: Recording,
    fps: float,
    options: EmotionSetOptions,
) -> Curves:
    """A recording's own motion, or what the weights make of its sound, on the mesh of a face."""
    own = recording.truth(fps, frame_count(len(recording.audio), fps))
    if own is not None:
        coefficients = own.coefficients
        basis = mesh_transfer(shipped_face(), face)(own.basis).float()
    else:
        coefficients = torch.cat(list(stream_coefficients(model, [recording.audio], fps))).cpu()
        basis = retarget_basis(model, face, options.weights or SHIPPED, options.flame)
    names = tuple(f"speech_{k:02d}" for k in range(len(basis)))
    return Curves(names, basis, lambda: iter([coefficients]))


def _expressed(face: Face, speech: Curves, emotions: EmotionTimeline, fps: float) -> DrivenMotion:
    """The head stands still: what is added is the emotion alone."""
    frames = sum(map(len, speech.coefficients()))
    curves, units = with_emotion(face, speech, {}, emotions, fps)
    whole = beside_speech(face, curves, units, frames)
    return DrivenMotion(face, whole.offsets, torch.eye(4).expand(frames, 4, 4), fps, whole)


def _write(folder: Path, made: Made, recording: Recording, motion: DrivenMotion) -> None:
    """The sound first: a motion file that is there is complete."""
    write_wav(folder / f"{made.name}.wav", recording.audio, SAMPLE_RATE)
    labels = to_arrays(recording.phones) | {
        "style": np.array(made.emotion),
        "intensity": np.array(made.intensity),
        "sync_lag_ms": np.array(-500 / motion.fps),  # a frame shows the middle of its time
        "origin": np.array("modelled"),
    }
    with motion_file(folder / f"{made.name}.npz", motion, labels) as append:
        for chunk in motion.offsets():
            for frame in chunk.numpy():
                append(frame)
