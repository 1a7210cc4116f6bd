"""Build an avatar from a tracked capture."""

from avatar.reconstruct import ReconstructOptions, reconstruct
from configs.command import run_command


def main(options: ReconstructOptions) -> None:
    avatar = reconstruct(options)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians on {avatar.topology}")


if __name__ == "__main__":
    run_command(main, ReconstructOptions)
