"""Build an avatar from a tracked capture."""

from avatar.reconstruct import ReconstructOptions, reconstruct
from common.threads import use_threads


def main(options: ReconstructOptions) -> None:
    use_threads(options.threads)
    avatar = reconstruct(options)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians on {avatar.topology}")
