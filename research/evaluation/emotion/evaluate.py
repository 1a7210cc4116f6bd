"""Measure emotional speech on several faces, and in pictures of several avatars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sync.critic import load_syncnet
from avatar.avatar_io.open_avatar import open_avatar
from avatar.drive.retarget import avatar_face, retarget_basis
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.flame_model import load_flame
from avatar.heads.head import FLAME
from avatar.lipreading.sound_delay import speaking_head
from avatar.retarget.fitted_face import Face, face_of, shipped_face
from avatar.rigging.avatar import Avatar
from avatar.vision.follow import load_face_finder
from avatar.vision.network import load_network
from common.device import pick_device
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.emotion.kept import Kept, NeutralSpeech
from research.evaluation.emotion.seen import LEVELS, Person, Seen, look, recognised, seen_growth
from research.evaluation.emotion.spoken import EXPRESSED_EMOTIONS, SpeakingAvatar, geometry
from research.evaluation.figures import check_outputs
from research.evaluation.options import EmotionEvaluationOptions, MaterialOptions
from research.evaluation.speech.articulation import mouth_curves
from research.evaluation.speech.measures import Judge, sync_judge
from research.evaluation.speech.recordings import Recording, load_material

SHARED = "anny-head"
SPEAKING = 2e-3  # metres between the lips of somebody who speaks
ByRow = dict[str, dict[str, Kept]]  # emotion → intensity → figures
Rows = dict[str, ByRow]  # by face


@dataclass(frozen=True)
class EmotionEvaluation:
    neutral: dict[str, Kept]  # face → speech alone
    gated: Rows  # emotions that speech gates
    plain: Rows  # emotions added without gates
    seen_growth: dict[str, dict[str, dict[str, float]]]  # avatar → emotion → unit → correlation
    recognised: dict[str, dict[str, float]]  # intensity → emotion → share of frames
    people: dict[str, Seen]

    def report(self) -> dict[str, Any]:
        """Figures by their names, for a file."""
        return {
            "neutral": self.neutral,
            "felt": self.gated,
            "plain": self.plain,
            "seen_growth": self.seen_growth,
            "recognised": self.recognised,
        }


Speech = Sequence[tuple[Recording, Tensor]]
"""Recordings, and the coefficients [F, K] that the weights predict for each."""


def evaluate_emotion(options: EmotionEvaluationOptions) -> EmotionEvaluation:
    """Speak every recording with every emotion. Bad input raises InputError or OSError with one
    sentence."""
    if options.frames < 1:
        raise InputError(f"--frames {options.frames}: must be at least 1")
    names = [path.stem for path in options.avatar]
    if len(set(names)) < len(names):
        raise InputError("--avatar: two files have the same name; rename one")
    check_outputs(options.report, options.sheet)
    faces, avatars = _faces(options)
    model = load_model(options.weights, pick_device(options.device))
    speech = _predict(options, model)
    speakers = {
        name: SpeakingAvatar(
            face, retarget_basis(model, face, "the weights", options.flame), float(model.fps)
        )
        for name, face in faces.items()
    }
    neutral, gated, plain = {}, {}, {}
    with progress_bar("emotions", len(speakers) * len(EXPRESSED_EMOTIONS)) as done:
        for name, speaker in speakers.items():
            judge = None
            if name == SHARED:
                net = load_syncnet(None, role="evaluation")
                judge = sync_judge(net, geometry(speaker.face))
            neutral[name], gated[name], plain[name] = _on_face(speaker, speech, judge, done)
    people = _scores_of_avatars(options, avatars, speakers, speech)
    return EmotionEvaluation(
        *(neutral, gated, plain),
        seen_growth={
            name: {emotion: seen_growth(seen, emotion) for emotion in EXPRESSED_EMOTIONS}
            for name, seen in people.items()
        },
        recognised={f"{at:g}": recognised(list(people.values()), at) for at in LEVELS},
        people=people,
    )


def _predict(options: EmotionEvaluationOptions, model: SpeechToMotion) -> Speech:
    """Predicted coefficients of the recordings that have phones."""
    material = load_material(MaterialOptions(options.data), *speaking_head())
    found = [recording for recording in material.recordings if recording.phones]
    if not found:
        raise InputError(f"{options.data[0]}: no recording has phones beside it (<id>.npz)")
    return [(each, torch.cat([*stream_coefficients(model, [each.audio])]).cpu()) for each in found]


def _faces(options: EmotionEvaluationOptions) -> tuple[dict[str, Face], dict[str, Avatar]]:
    """The faces that speak, and the avatars among them, by their names."""
    avatars = {path.stem: open_avatar(path, options.flame) for path in options.avatar}
    faces = {SHARED: shipped_face()}
    if options.flame:
        flame = load_flame(options.flame)
        faces[FLAME] = face_of(Mesh(flame.template, flame.faces), FLAME)
    return faces | {
        path.stem: avatar_face(path, avatars[path.stem]) for path in options.avatar
    }, avatars


def _on_face(
    speaker: SpeakingAvatar, speech: Speech, judge: Judge | None, done: Callable[[], None]
) -> tuple[Kept, ByRow, ByRow]:
    """Neutral speech, with gated emotions, and with emotions added without gates."""
    recordings, said = zip(*speech, strict=True)
    motions = [speaker.neutral(each) for each in said]
    alone = NeutralSpeech(recordings, motions, geometry(speaker.face), speaker.fps)
    gated: ByRow = {name: {} for name in EXPRESSED_EMOTIONS}
    plain: ByRow = {name: {} for name in EXPRESSED_EMOTIONS}
    for name in EXPRESSED_EMOTIONS:
        for at in LEVELS:
            rest = speaker.in_silence(name, at)
            with_gates = [speaker.gated(each, name, at) for each in said]
            gated[name][f"{at:g}"] = alone.kept(with_gates, judge, rest)
            added = [speaker.plain(each, name, at) for each in said]
            plain[name][f"{at:g}"] = alone.kept(added, judge)
        done()
    return alone.kept(alone.motions, judge), gated, plain


def _scores_of_avatars(
    options: EmotionEvaluationOptions,
    avatars: Mapping[str, Avatar],
    speakers: Mapping[str, SpeakingAvatar],
    speech: Speech,
) -> dict[str, Seen]:
    """Every avatar in frames of the first recording in which it speaks."""
    finder, scorer = load_face_finder(), load_network("face_scores", "cpu")
    said = speech[0][1]
    frames, pictured = _speaking_frames(speakers[SHARED], said, options.frames)
    people = {}
    with progress_bar("scoring pictures", len(avatars)) as done:
        for name, avatar in avatars.items():
            person = Person(avatar, speakers[name], finder, scorer)
            people[name] = look(person, said, frames, pictured)
            done()
    return people


def _speaking_frames(speaker: SpeakingAvatar, said: Tensor, count: int) -> tuple[list[int], int]:
    """Frames with lips apart, evenly spread over them all; and which of them shows most of the
    mouth: of the more open half the least rounded."""
    mouth = mouth_curves(speaker.neutral(said), geometry(speaker.face))
    parted = mouth.opening > SPEAKING
    frames = parted.nonzero()[:, 0] if parted.any() else torch.arange(len(said))
    frames = frames[torch.linspace(0, len(frames) - 1, count).long()]
    opening, width = mouth.opening[frames], mouth.width[frames]
    return frames.tolist(), int((width * (opening >= opening.median())).argmax())
