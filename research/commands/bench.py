"""Measure rasterizer, speech to motion and whole drives: the figures of docs/benchmarks.md."""

import sys

import numpy as np

from configs.options import BenchOptions, check_bench
from research.bench.drive import alone, measure_drive, measure_drives, measure_live, measure_speech
from research.bench.live import measure_sessions
from research.bench.prosody import measure_prosody
from research.bench.rasterizer import RasterTimes, measure_rasterizers
from research.bench.vision import measure_networks

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
SPEECH_HEADINGS = ("seconds", "threads", "x real time", "x per core", "peak MiB")
LIVE_HEADINGS = ("seconds", "latency ms", "load", "longest ms", "error mm²")
PROSODY_HEADINGS = ("seconds", "x at once", "x in 20 ms")
SERVE_HEADINGS = (
    "clients",
    "p50 ms",
    "p95 ms",
    "max ms",
    "skipped",
    "load",
    "MiB at 1/4",
    "MiB at end",
)
VISION_HEADINGS = ("network", "ms", "CPU ms")
LIGHT = "golden-hour"
LIGHT_HEADINGS = ("light", "fps", "CPU ms")
DRIVE = (sys.executable, "-m", "configs.cli", "drive")
DRIVE_HEADINGS = ("seconds", "fps", "peak MiB", "load", "audio2mesh", "rig", "raster", "encode")


def main(options: BenchOptions) -> None:
    check_bench(options)
    if options.what in ("raster", "all"):
        bench_raster(options)
    if options.what in ("audio2mesh", "all"):
        bench_audio2mesh(options)
    if options.what in ("prosody", "all"):
        bench_prosody(options)
    if options.what in ("drive", "all"):
        bench_drive(options)
    if options.what in ("light", "all"):
        bench_light(options)
    if options.what in ("contention", "all"):
        bench_contention(options)
    if options.what in ("vision", "all"):
        bench_vision(options)
    if options.what in ("serve", "all"):
        bench_serve(options)


def bench_raster(options: BenchOptions) -> None:
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


def bench_audio2mesh(options: BenchOptions) -> None:
    """Two tables: offline, and live on one thread (load: of one core)."""
    print_row(SPEECH_HEADINGS)
    for minutes in options.minutes:
        times = alone(measure_speech, options.audio, 60 * minutes)
        counts = (f"{60 * minutes:g}", f"{times.threads}")
        ratios = (f"{times.ratio:.1f}", f"{times.per_core:.1f}")
        print_row((*counts, *ratios, f"{times.peak_rss_mb:.0f}"))
    print_row(LIVE_HEADINGS)
    live = alone(measure_live, options.audio, options.live_seconds)
    print_row(
        (
            f"{options.live_seconds:g}",
            f"{1000 * live.latency:.0f}",
            f"{live.share:.3f}",
            f"{1000 * live.longest:.0f}",
            f"{live.error:.2f}",
        )
    )


def bench_prosody(options: BenchOptions) -> None:
    """Seconds of sound for each second of one core's time."""
    print_row(PROSODY_HEADINGS)
    for minutes in options.minutes:
        ratios = measure_prosody(options.audio, 60 * minutes)
        print_row((f"{60 * minutes:g}", *(f"{ratio:.0f}" for ratio in ratios)))


def bench_drive(options: BenchOptions) -> None:
    """A table of frames a second, peak memory and milliseconds a frame by stage (load: seconds)."""
    print_row(DRIVE_HEADINGS)
    for seconds in options.seconds:
        report = measure_drive(DRIVE, options.avatar, options.audio, seconds)
        stages = (
            f"{spent:.2f}" if name == "load" else f"{1000 * spent / report.frames:.2f}"
            for name, spent in report.stages.items()
        )
        print_row(
            (f"{seconds:g}", f"{report.steady_fps:.1f}", f"{report.peak_rss_mb:.0f}", *stages)
        )


def bench_light(options: BenchOptions) -> None:
    """A table of drives without and with a light, in turns."""
    what = options.avatar, options.audio
    measure_drive(DRIVE, *what, 1.0, ("--light", LIGHT))  # bakes and compiles what is not yet there
    print_row(LIGHT_HEADINGS)
    for _ in range(2):
        for light in (None, LIGHT):
            given = ("--light", light) if light else ()
            report = measure_drive(DRIVE, *what, options.contention_seconds, given)
            cpu = 1000 * report.cpu_seconds / report.frames
            print_row((light or "none", f"{report.steady_fps:.1f}", f"{cpu:.1f}"))


def bench_contention(options: BenchOptions) -> None:
    """A Markdown table of frames a second of drives that share the machine."""
    what = options.avatar, options.audio
    measure_drive(DRIVE, *what, seconds=1.0)  # compiles what is not yet compiled
    print("| drives at once | fps of each | sum | CPU ms a frame |\n|---|---|---|---|", flush=True)
    for count in options.programs:
        reports = measure_drives(count, DRIVE, *what, options.contention_seconds)
        each = [report.steady_fps for report in reports]
        spent = sum(r.cpu_seconds for r in reports) / sum(r.frames for r in reports)
        speeds = ", ".join(f"{fps:.1f}" for fps in each)
        print(f"| {count} | {speeds} | {sum(each):.1f} | {1000 * spent:.1f} |", flush=True)


def print_row(cells: tuple[str, ...]) -> None:
    print(" | ".join(f"{cell:>11}" for cell in cells), flush=True)


def bench_vision(options: BenchOptions) -> None:
    """A table of median milliseconds that each network takes for a picture, on one thread."""
    print_row(VISION_HEADINGS)
    for name, wall, cpu in measure_networks(options.repeats):
        print_row((name, f"{1000 * wall:.1f}", f"{1000 * cpu:.1f}"))


def bench_serve(options: BenchOptions) -> None:
    """A table of milliseconds from a frame's start to its arrival (skipped: share of the sound,
    load: of one core, a client)."""
    print_row(SERVE_HEADINGS)
    for clients in options.clients:
        times = measure_sessions(options.avatar, options.audio, clients, options.serve_seconds)
        late = (f"{1000 * value:.0f}" for value in np.quantile(times.late, [0.5, 0.95, 1]))
        memory = (f"{value:.0f}" for value in times.memory_mb)
        print_row((f"{clients}", *late, f"{times.skipped:.1%}", f"{times.share:.3f}", *memory))
