"""Options of the evaluations of avatars, films, motion and emotion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audio2mesh.data.options import Split
from avatar.behaviour.style import Style
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.device import ComputeOptions


@dataclass(frozen=True, kw_only=True)
class MeasureOptions(ComputeOptions):
    """What most evaluations share."""

    report: Path | None = None
    """Also write the figures to this .json."""


@dataclass(frozen=True)
class MaterialOptions:
    """Recordings to measure on."""

    data: tuple[Path, ...]
    """Folders of recordings: <id>.flac (or .wav, ..), with motion and phones, where they are known,
    in <id>.npz; or VOCASET or BIWI."""
    clips: tuple[str, ...] = ()
    """Ids of the recordings to use; by default all of them."""
    split: Split = "test"
    """Part of VOCASET or BIWI to use."""


@dataclass(frozen=True)
class SpeechEvaluationOptions(MeasureOptions, MaterialOptions):
    """Measure speech-to-motion weights on recordings, with or without their true motion."""

    weights: Path | None = None
    """Weights file, row "weights"; by default the weights that ship."""
    compare: tuple[str, ...] = ()
    """Further rows, each as NAME=FILE of weights."""
    training: tuple[Path, ...] = ()
    """Folders of clips whose mean motion makes the row "mean"; those under test are left out."""
    still: bool = False
    """Add the row "still", a face that never moves."""
    weights_style: str | None = None
    """Speaking style of the weights, by default the neutral one; "own" takes for each recording the
    one that it names, where the weights have it."""
    syncnet: Path | None = None
    """SyncNet3D that measures LSE-D and LSE-C; by default the one that ships."""
    lip_reading: bool = False
    """Also measure the phone error rate of lip-reading the rendered mouth, where phones are known;
    drawing every frame takes a while."""
    lipreader: Path | None = None
    """Lip reader for it; by default the one that ships."""
    transcripts: Path | None = None
    """What is said, a line `id: words` for each recording, all of as many words: lip-reading then
    also gives the word error rate, where each word is one of those said at its place in the file
    (needs the extra `corpus`)."""


@dataclass(frozen=True)
class AvatarEvaluationOptions(MeasureOptions):
    """Measure how like the pictures of a capture an avatar is, where it was not trained on them."""

    avatar: Path
    """The avatar: a .ply of Gaussians bound to the mesh that the capture was tracked with."""
    capture: Path
    """The folder of the capture, with transforms_train.json, _val.json and _test.json."""
    split: Literal["train", "val", "test"] = "test"
    """val: held-out cameras; test: held-out sequences; train: what was learned from."""
    flame: Path | None = None
    """Your FLAME file, for a capture tracked with FLAME."""
    sheet: Path | None = None
    """Also write a .png of some views: truth, render, difference, and the face from near."""


@dataclass(frozen=True)
class PhotoEvaluationOptions(MeasureOptions):
    """Measure an avatar that make-avatar made of photos: on the photos themselves, while it speaks
    and is seen from the side, and, of a synthetic person, against the truth."""

    avatar: Path
    """The avatar (.ply)."""
    photo: tuple[Path, ...]
    """The photos that it was made of, in the same order."""
    focal: float | None = None
    """Focal length of the photos, as it was given to make-avatar."""
    face: int = 0
    """Which of several faces, as it was given to make-avatar."""
    truth: Path | None = None
    """The picture of a capture (of make-capture) that the first photo is, or was made from: the
    capture's other pictures of the same frame are the truth."""
    audio: Path = DEMO_VOICE
    """The recording that the avatar speaks while it is looked at."""
    frames: int = 50
    """Frames of the speech that are rendered from each side, evenly spread."""
    sheet: Path | None = None
    """Also write a .png: photos and avatar, the avatar from all sides, and the truth."""


@dataclass(frozen=True)
class TrackingEvaluationOptions:
    """Measure how well a film was tracked, against the truth that make-capture --film wrote."""

    tracked: Path
    """The folder of the tracked capture, with motion.npz."""
    truth: Path
    """The folder of the true one."""
    report: Path | None = None
    """Also write the figures to this .json."""


@dataclass(frozen=True)
class FilmEvaluationOptions(MeasureOptions):
    """Measure how like the lips of films are to those of the true film of the same sound: films
    that any program made, of any face.

    The face is found in all films by the same landmarks. Gap: between the inner lips; width:
    between the inner corners; both over the distance between the outer corners of the eyes. Other
    frame rates are resampled to the true film's. A closure is a stretch of at most 0.4 s with a gap
    under 2.5 % of the eyes' distance, opened before and after. Those of the true film are called
    for, and found if the film's lips shut, or open again, within 80 ms; its own are false where the
    true lips do not. Silence is what lies deep in pauses of speech in the true film's sound.
    """

    film: tuple[Path, ...]
    """Films to measure, a row each; or folders of films, whose medians make a row."""
    truth: Path
    """The true film; or a folder, which has the true film of each under the same name."""


@dataclass(frozen=True)
class HeadEvaluationOptions:
    """Measure how heads, eyes, brows and lids move while somebody speaks: those that driving makes
    for recordings, and recorded performances."""

    audio: tuple[Path, ...] = (DEMO_VOICE,)
    """Recordings that are spoken in every style; the table has the medians over them. None: name
    none after --audio."""
    style: tuple[Style, ...] = ("speaker", "reader")
    """Styles in which they are."""
    head_weights: Path | None = None
    """Weights of train pose: also measure the head as they move it, beside the bands of people who
    speak freely."""
    live: bool = False
    """As live speech makes it, from 0.4 s, in place of whole recordings."""
    listen: tuple[Path, ...] = ()
    """Recordings of others, to whom the face listens, with nods, looks and blinks: a column of its
    own."""
    motion: tuple[Path, ...] = ()
    """Recorded performances: Live Link Face .csv, or .npz as drive --save-motion writes."""
    sound: tuple[Path, ...] = ()
    """What is said in each of --motion, in the same order, or nothing for none."""
    report: Path | None = None
    """Also write the figures, of each recording too, to this .json."""


@dataclass(frozen=True)
class EmotionEvaluationOptions(MeasureOptions):
    """Measure spoken emotions: whether lips go on speaking, and whether the emotion is visible."""

    data: tuple[Path, ...]
    """Folders of recordings, <id>.flac (or .wav, ..) with phones in <id>.npz."""
    avatar: tuple[Path, ...] = (DEMO_AVATAR,)
    """Avatars that speak and are looked at, as driving opens them: of Gaussians, or scans. With two
    or more, what is seen of one is named by prototypes of the others."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): also speak with its mean head."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    frames: int = 12
    """Frames of the speech in which each avatar is scored, evenly spread."""
    sheet: Path | None = None
    """Also write a .png: every emotion in three intensities on the avatars."""


@dataclass(frozen=True)
class VoicesEvaluationOptions(MeasureOptions):
    """Let every avatar speak with every voice, also with those of others, and measure: closures and
    sync, whether all avatars move their lips alike, and whether each stays who it is."""

    avatar: tuple[Path, ...]
    """Avatars as driving opens them: of Gaussians, or scans; at least two."""
    audio: tuple[Path, ...]
    """Recordings of voices; with phones, <id>.npz beside <id>.wav, closures count on m, b and p."""
    own: tuple[str, ...] = ()
    """Which voice is whose, as AVATAR=RECORDING by the files' names without suffix: the person that
    an avatar was made of speaks there. All other pairs are asynchronous."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz), for avatars of its topology that need it."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    frames: int = 40
    """Frames of each performance, evenly spread, in which the avatar's identity is measured."""
