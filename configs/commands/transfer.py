"""Carry speech motion over to any mesh of a head: .npz or animated .glb."""

from avatar.drive.animate import TransferOptions, transfer_motion


def main(options: TransferOptions) -> None:
    done = transfer_motion(options)
    print(
        f"wrote {options.out}: {done.frames} frames at {done.fps:g} fps on {done.vertices} "
        f"vertices, fitted to {done.residual_mm:.2f} mm"
    )
