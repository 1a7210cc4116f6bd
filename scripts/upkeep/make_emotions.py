"""Write talking clips with every emotion at every intensity, as motion of any head."""

from common.threads import use_threads
from configs.cli import main
from configs.verbs import CONTINUES, Verb
from research.emotion_set.make import EmotionSetOptions, make_emotions


def write_emotions(options: EmotionSetOptions) -> None:
    use_threads(options.threads)
    made = make_emotions(options)
    recordings = {each.recording for each in made}
    print(f"wrote {options.out}: {len(made)} motions of {len(recordings)} recordings")


main(Verb(EmotionSetOptions, write_emotions, stopped=CONTINUES), __name__)
