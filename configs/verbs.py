"""Every command: where its options and its work lie, named without importing either."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Verb:
    """One command of the command line."""

    options: str | type  # the class, or "module:class", a module that imports in no time
    command: str | Callable[..., None]  # the function of these options, or "module:function"
    loads: str = field(default="", kw_only=True)  # what it works with, imported before it begins
    draws: bool = field(default=False, kw_only=True)  # what draws begins to compile before that
    does: str = ""  # in a few words; scripts that are no verbs say it in their options' docstring
    words: tuple[str, ...] = ()  # options that may be given first, without their names
    stopped: str = "nothing half-written is left"  # what holds after Ctrl-C
    writes: frozenset[str] = frozenset()  # its options that are written to; all may be URLs then
    shares: frozenset[str] = frozenset()  # those whose folders' files processes fetch in shares


CONTINUES = "nothing half-written is left; the same command continues what it began"
OUT, DATA = frozenset({"out"}), frozenset({"data"})

FILM = {
    "studio": Verb(
        "avatar.studio.options:StudioOptions",
        "configs.commands.film:open_studio",
        "a page for all: a photo, a voice, and the film of both",
        loads="avatar.studio.host",
        stopped="the page is no longer served; what it made stays",
    ),
    "demo": Verb(
        "configs.options:DemoOptions",
        "configs.commands.film:make_demo",
        "the demo avatar speaks the demo voice: a film, of nothing but what is installed",
        loads="avatar.drive.drive",
        draws=True,
        words=("--out",),
    ),
    "drive": Verb(
        "avatar.drive.options:DriveOptions",
        "configs.commands.film:make_film",
        "a voice and an avatar: a talking-head video",
        loads="avatar.drive.drive",
        draws=True,
        words=("--avatar", "--audio"),
    ),
    "batch": Verb(
        "avatar.batch.options:BatchOptions",
        "configs.commands.film:make_batch",
        "many voices on many avatars: films and motion, on one machine or many",
        loads="avatar.batch.run",
        stopped="nothing half-written is left; the same command makes the rest",
    ),
    "render": Verb(
        "avatar.drive.options:ReplayOptions",
        "configs.commands.film:replay_motion",
        "an avatar moved by a capture or by saved motion, filmed",
        loads="avatar.drive.render",
    ),
    "view": Verb(
        "avatar.drive.options:ViewOptions",
        "configs.commands.film:view_avatar",
        "an avatar in the browser: turned, moved, speaking",
        loads="avatar.drive.view",
        words=("--avatar", "--audio"),
        stopped="the page is no longer served",
    ),
    "serve": Verb(
        "avatar.live.options:ServeOptions",
        "configs.commands.film:serve_avatar",
        "the same while somebody still speaks: microphones, and other programs",
        loads="avatar.live.host",
        words=("--avatar",),
        stopped="nobody is served any more",
    ),
    "export": Verb(
        "avatar.drive.options:ExportOptions",
        "configs.commands.film:export_motion",
        "motion for other programs: ARKit, FLAME, or any mesh, animated",
        loads="avatar.drive.export",
    ),
    "verify": Verb(
        "avatar.trust.options:VerifyOptions",
        "configs.commands.film:verify_file",
        "what a file says of itself: who made it, of what, with whose consent",
        loads="avatar.trust.verify",
        words=("--file",),
    ),
}

AVATAR = {
    "track": Verb(
        "avatar.tracking.options:TrackOptions",
        "configs.commands.make:track_film",
        "a film of a face: a tracked capture, and the face's motion",
        loads="avatar.tracking.track",
        stopped=CONTINUES,
    ),
    "track-films": Verb(
        "avatar.tracking.options:FilmsOptions",
        "configs.commands.make:track_films",
        "many films of one person who speaks: clips that speech-to-motion weights learn from",
        loads="avatar.tracking.films",
        words=("--films", "--out"),
        stopped=CONTINUES,
    ),
    "make-avatar": Verb(
        "configs.options:MakeAvatarOptions",
        "configs.commands.make:make_avatar",
        "a film or photos of somebody: an avatar",
        stopped="nothing half-written is left; with --film the same command continues its work",
    ),
    "reconstruct": Verb(
        "avatar.reconstruct.options:ReconstructOptions",
        "configs.commands.make:reconstruct_capture",
        "a tracked capture: an avatar",
        loads="avatar.reconstruct.fit",
        stopped=CONTINUES,
        writes=OUT,
    ),
    "convert": Verb(
        "avatar.avatar_io.options:ConvertOptions",
        "configs.commands.film:convert_avatar",
        "an avatar in another file format",
    ),
    "make-capture": Verb(
        "research.captures.options:CaptureOptions",
        "research.commands.make_data:make_synthetic_capture",
        "a synthetic capture with known truth, or the film of a synthetic person",
        stopped=CONTINUES,
    ),
}

MEASURE = {
    "evaluate avatar": Verb(
        "research.evaluation.options:AvatarEvaluationOptions",
        "research.commands.measure_pictures:evaluate_likeness",
        "how like the pictures of a capture an avatar is",
    ),
    "evaluate photo": Verb(
        "research.evaluation.options:PhotoEvaluationOptions",
        "research.commands.measure_pictures:evaluate_of_photos",
        "how good an avatar of photos is, on them and from the side",
        words=("--avatar",),
    ),
    "evaluate tracking": Verb(
        "research.evaluation.options:TrackingEvaluationOptions",
        "research.commands.measure_pictures:evaluate_tracked",
        "how well a film was tracked, where the truth is known",
        words=("--tracked", "--truth"),
    ),
    "evaluate film": Verb(
        "research.evaluation.options:FilmEvaluationOptions",
        "research.commands.measure_pictures:evaluate_any_film",
        "how like the lips of any film are to the true film's of the same sound",
        words=("--film",),
    ),
    "evaluate head": Verb(
        "research.evaluation.options:HeadEvaluationOptions",
        "research.commands.measure_speech:evaluate_heads",
        "how heads, eyes, brows and lids move with a voice, beside people's",
        words=("--audio",),
    ),
    "evaluate emotion": Verb(
        "research.evaluation.options:EmotionEvaluationOptions",
        "research.commands.measure_speech:evaluate_emotions",
        "whether lips go on speaking under emotions, and these are seen",
    ),
    "evaluate voices": Verb(
        "research.evaluation.options:VoicesEvaluationOptions",
        "research.commands.measure_speech:evaluate_all_voices",
        "whether avatars say any voice alike, and stay who they are",
    ),
    "evaluate speech": Verb(
        "research.evaluation.options:SpeechEvaluationOptions",
        "research.commands.measure_speech:evaluate_spoken",
        "how good speech-to-motion weights are",
    ),
    "bench": Verb(
        "research.bench.options:BenchOptions",
        "research.commands.bench:main",
        "how fast everything is on this machine",
    ),
}

TRAIN = {
    "train motion": Verb(
        "configs.options:TrainMotionOptions",
        "configs.commands.train:train_motion",
        "speech-to-motion weights",
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train sync": Verb(
        "audio2mesh.sync.options:SyncFitOptions",
        "configs.commands.train:train_sync",
        "SyncNet3D: does this mouth belong to this sound?",
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train lips": Verb(
        "research.lipreading.options:LipFitOptions",
        "research.commands.make_data:train_lips",
        "the lip reader",
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train pose": Verb(
        "audio2mesh.pose_vae.options:PoseFitOptions",
        "configs.commands.train:train_pose",
        "a head that moves with the voice, from tracks of heads",
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train manner": Verb(
        "audio2mesh.training.manner_options:TrainMannerOptions",
        "configs.commands.train:train_manner",
        "how a person speaks, from films of them",
        stopped=CONTINUES,
        writes=OUT,
    ),
}

UPKEEP = {
    "doctor": Verb(
        "configs.options:DoctorOptions",
        "configs.commands.doctor:main",
        "what this machine has, what works on it, and what to do about the rest",
        stopped="nothing is left",
    ),
    "warm": Verb(
        "configs.options:WarmOptions",
        "configs.commands.warm:main",
        "all that is compiled, compiled beforehand",
    ),
    "make-corpus": Verb(
        "research.corpus.options:CorpusOptions",
        "research.commands.make_data:make_corpus",
        "recordings of speech: clips with modelled mouth motion",
        stopped=CONTINUES,
    ),
}

if find_spec("research") is None and (CHECKOUT / "research" / "__init__.py").is_file():
    sys.path.append(str(CHECKOUT))
HAS_RESEARCH = find_spec("research") is not None
"""Whether research/ is here, which a checkout has and a wheel has not."""

GROUPS = {
    "make a film": FILM,
    "make an avatar": AVATAR,
    "measure": MEASURE,
    "train": TRAIN,
    "upkeep": UPKEEP,
}
if not HAS_RESEARCH:
    GROUPS = {
        title: {n: v for n, v in group.items() if not str(v.command).startswith("research.")}
        for title, group in GROUPS.items()
    }
VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}
