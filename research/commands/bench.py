"""Measure rasterizer, speech to motion, whole drives and sessions: the figures of
docs/benchmarks.md."""

import sys

import numpy as np

from research.bench.drive import alone, measure_drive, measure_live, measure_speech
from research.bench.live import measure_sessions
from research.bench.options import BenchOptions, check_bench
from research.bench.rasterizer import measure_rasterizer

GAUSSIANS, SH_DEGREES = (20_000, 50_000, 100_000), (0, 3)
MINUTE = 60.0  # seconds of live speech
DRIVE = (sys.executable, "-m", "configs.cli", "drive")


def main(options: BenchOptions) -> None:
    check_bench(options)
    for name, measure in KINDS.items():
        if options.what in (name, "all"):
            measure(options)


def bench_raster(options: BenchOptions) -> None:
    """A table of median milliseconds a frame."""
    print_row("Gaussians", "SH", "forward", "backward")
    for n in GAUSSIANS:
        for degree in SH_DEGREES:
            times = measure_rasterizer(n, degree)
            print_row(f"{n}", f"{degree}", *(f"{value:.1f}" for value in times))


def bench_audio2mesh(options: BenchOptions) -> None:
    """Two tables: offline, and live on one thread (load: of one core)."""
    print_row("seconds", "threads", "x real time", "x per core", "peak MiB")
    for seconds in options.seconds:
        times = alone(measure_speech, options.audio, seconds)
        ratios = (f"{times.ratio:.1f}", f"{times.per_core:.1f}")
        print_row(f"{seconds:g}", f"{times.threads}", *ratios, f"{times.peak_rss_mb:.0f}")
    print_row("latency ms", "load", "longest ms", "error mm²")
    live = alone(measure_live, options.audio, MINUTE)
    latency, longest = (f"{1000 * value:.0f}" for value in (live.latency, live.longest))
    print_row(latency, f"{live.share:.3f}", longest, f"{live.error:.2f}")


def bench_drive(options: BenchOptions) -> None:
    """A table of frames a second, peak memory and milliseconds a frame by stage (load: seconds)."""
    print_row("seconds", "fps", "peak MiB", "load", "audio2mesh", "rig", "raster", "encode")
    for seconds in options.seconds:
        report = measure_drive(DRIVE, options.avatar, options.audio, seconds)
        stages = (
            f"{spent:.2f}" if name == "load" else f"{1000 * spent / report.frames:.2f}"
            for name, spent in report.stages.items()
        )
        print_row(f"{seconds:g}", f"{report.steady_fps:.1f}", f"{report.peak_rss_mb:.0f}", *stages)


def bench_serve(options: BenchOptions) -> None:
    """A table of milliseconds from a frame's start to its arrival (skipped: share of the sound,
    load: of one core, a client)."""
    latencies = ("p50 ms", "p95 ms", "max ms")
    print_row("clients", *latencies, "skipped", "load", "MiB at 1/4", "MiB at end")
    for clients in options.clients:
        times = measure_sessions(options.avatar, options.audio, clients, MINUTE)
        late = (f"{1000 * value:.0f}" for value in np.quantile(times.late, [0.5, 0.95, 1]))
        memory = (f"{value:.0f}" for value in times.memory_mb)
        print_row(f"{clients}", *late, f"{times.skipped:.1%}", f"{times.share:.3f}", *memory)


def print_row(*cells: str) -> None:
    print(" | ".join(f"{cell:>11}" for cell in cells), flush=True)


KINDS = {
    "raster": bench_raster,
    "audio2mesh": bench_audio2mesh,
    "drive": bench_drive,
    "serve": bench_serve,
}
