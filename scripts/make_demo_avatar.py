"""Build a demo avatar."""

from avatar.demo.build import PARTS, build_avatar
from avatar.output import check_writable
from avatar.progress import progress_bar
from avatar.subject import save_avatar
from configs.command import run_command
from configs.looks import LOOKS, DemoAvatarOptions


def main(options: DemoAvatarOptions) -> None:
    check_writable(options.out)
    with progress_bar("painting", PARTS, unit="parts/s") as done:
        avatar = build_avatar(LOOKS[options.look], options.seed, done)
    save_avatar(options.out, avatar)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians, look {options.look}")


if __name__ == "__main__":
    run_command(main, DemoAvatarOptions)
