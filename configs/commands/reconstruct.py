"""Build an avatar from a tracked capture."""

from audio2mesh.training.distributed import check_alone
from avatar.reconstruct import ReconstructOptions, reconstruct
from common.threads import use_threads


def main(options: ReconstructOptions) -> None:
    check_alone("reconstruct")
    use_threads(options.threads)
    avatar = reconstruct(options)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians on {avatar.topology}")
