"""Measure the rasterizer and the whole drive: the figures of docs/benchmarks.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar.benchmark import measure_drive
from configs.command import run_command
from splat.benchmark import RasterTimes, measure_rasterizers

RASTER_HEADINGS = (
    "Gaussians",
    "SH",
    "forward",
    "backward",
    "naive",
    "naive back",
    "oracle",
    "oracle back",
)
DRIVE_HEADINGS = ("seconds", "fps", "peak MiB", "load", "audio2mesh", "rig", "raster", "encode")


@dataclass(frozen=True)
class Options:
    """Measure at 512x512 pixels, on the CPU."""

    what: Literal["raster", "drive", "all"] = "all"
    """The rasterizer by itself, the whole drive by stage, or both."""
    gaussians: tuple[int, ...] = (20_000, 50_000, 100_000)
    """Rasterizer: numbers of Gaussians."""
    sh_degrees: tuple[int, ...] = (0, 3)
    """Rasterizer: degrees of the spherical harmonics, 0 to 3."""
    repeats: int = 15
    """Rasterizer: frames per figure; the naive form gets a fifth of them, the oracle one."""
    oracle: bool = True
    """Rasterizer: also run the torch oracle at the first SH degree (seconds to minutes)."""
    seconds: tuple[float, ...] = (10.0, 600.0)
    """Drive: lengths of the recording in seconds."""
    avatar: Path = Path("assets/demo_avatar.ply")
    """Drive: the avatar."""
    voice: Path = Path("assets/demo_voice.flac")
    """Drive: the voice, repeated to each length."""


def main(options: Options) -> None:
    if options.what in ("raster", "all"):
        bench_raster(options)
    if options.what in ("drive", "all"):
        bench_drive(options)


def bench_raster(options: Options) -> None:
    """A table of median milliseconds a frame."""
    print_row(RASTER_HEADINGS)
    for n in options.gaussians:
        for degree in options.sh_degrees:
            with_oracle = options.oracle and degree == options.sh_degrees[0]
            times = measure_rasterizers(n, degree, repeats=options.repeats, with_oracle=with_oracle)
            print_row(raster_cells(times))


def raster_cells(times: RasterTimes) -> tuple[str, ...]:
    """The cells of one line of the rasterizer's table."""
    milliseconds = (
        times.forward,
        times.backward,
        times.naive_forward,
        times.naive_backward,
        times.oracle_forward,
        times.oracle_backward,
    )
    cells = ("-" if value is None else f"{value:.1f}" for value in milliseconds)
    return (f"{times.gaussians}", f"{times.sh_degree}", *cells)


def bench_drive(options: Options) -> None:
    """A table of frames a second, peak memory and milliseconds a frame by stage (load: seconds)."""
    print_row(DRIVE_HEADINGS)
    script = Path(__file__).with_name("drive.py")
    for seconds in options.seconds:
        report = measure_drive(script, options.avatar, options.voice, seconds)
        stages = (
            f"{spent:.2f}" if name == "load" else f"{1000 * spent / report.frames:.2f}"
            for name, spent in report.stages.items()
        )
        print_row(
            (f"{seconds:g}", f"{report.steady_fps:.1f}", f"{report.peak_rss_mb:.0f}", *stages)
        )


def print_row(cells: tuple[str, ...]) -> None:
    print(" | ".join(f"{cell:>11}" for cell in cells), flush=True)


if __name__ == "__main__":
    run_command(main, Options)
