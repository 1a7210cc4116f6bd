"""Measure the rasterizer: the figures of docs/benchmarks.md."""

from dataclasses import dataclass

from configs.command import run_command
from splat.benchmark import RasterTimes, measure_rasterizers

HEADINGS = (
    "Gaussians",
    "SH",
    "forward",
    "backward",
    "naive",
    "naive back",
    "oracle",
    "oracle back",
)


@dataclass(frozen=True)
class Options:
    """What to measure, at 512x512 pixels; all times are medians in milliseconds."""

    gaussians: tuple[int, ...] = (20_000, 50_000, 100_000)
    """numbers of Gaussians"""

    sh_degrees: tuple[int, ...] = (0, 3)
    """degrees of the spherical harmonics, 0 to 3"""

    repeats: int = 15
    """frames per figure; the naive form gets a fifth of them, the oracle one"""

    oracle: bool = True
    """also run the torch oracle at the first SH degree (seconds to minutes per size)"""


def main(options: Options) -> None:
    print(" | ".join(f"{heading:>11}" for heading in HEADINGS), flush=True)
    for n in options.gaussians:
        for degree in options.sh_degrees:
            with_oracle = options.oracle and degree == options.sh_degrees[0]
            times = measure_rasterizers(n, degree, repeats=options.repeats, with_oracle=with_oracle)
            print(format_row(times), flush=True)


def format_row(times: RasterTimes) -> str:
    """One line of the table."""
    milliseconds = (
        times.forward,
        times.backward,
        times.naive_forward,
        times.naive_backward,
        times.oracle_forward,
        times.oracle_backward,
    )
    cells = ["-" if value is None else f"{value:.1f}" for value in milliseconds]
    row = (f"{times.gaussians}", f"{times.sh_degree}", *cells)
    return " | ".join(f"{cell:>11}" for cell in row)


if __name__ == "__main__":
    run_command(main, Options)
