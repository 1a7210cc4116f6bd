"""Build a demo avatar."""

from avatar.files.avatar_file import save_avatar
from avatar.synthetic.portrait.build import PARTS, build_avatar
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from common.writable import check_writable
from configs.looks import LOOKS, DemoAvatarOptions


def main(options: DemoAvatarOptions) -> None:
    use_threads(options.threads)
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    check_writable(options.out)
    with progress_bar("painting", PARTS, unit="parts/s") as done:
        avatar = build_avatar(LOOKS[options.look], options.seed, done)
    save_avatar(options.out, avatar)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians, look {options.look}")
