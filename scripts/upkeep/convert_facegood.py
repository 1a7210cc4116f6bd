"""Turn the public release of FACEGOOD-Audio2Face into clips to train on."""

from audio2mesh.data.options import FacegoodOptions
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.facegood_release import convert_release


def convert(options: FacegoodOptions) -> None:
    for done in convert_release(options.release, options.out, options.exclude):
        print(done)


main(Verb(FacegoodOptions, convert), __name__)
