"""What each command does: from parsed arguments to a result as text and as plain data."""

import argparse
import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any

from .errors import AxsimError, ConversionError, MultiplierError, NetworkError
from .progress import ProgressDisplay
from .text import text_table

if TYPE_CHECKING:
    from .images import ImageSet
    from .network import Network
    from .product_table import Multiplier


@dataclasses.dataclass(frozen=True)
class Result:
    """A command's result for people (text) and for programs (data, printed as JSON)."""

    text: str
    data: Any
    failure: AxsimError | None = None  # of what came after the result, such as writing a report


def demo(given: argparse.Namespace) -> Result:
    """Compare the shipped network's multipliers on the shipped images and write a report."""
    from .demo import IMAGES, MULTIPLIERS, NETWORK, REPORT, shipped
    from .images import load_images
    from .network_file import load
    from .report import may_replace

    report = pathlib.Path(given.report or REPORT)
    if not may_replace(report):
        raise AxsimError(f"cannot write {report}: it exists and is no axsim report; pass --report FILE")
    from .plan import tier

    # As many as the kernels of this CPU manage while one waits.
    images = load_images(shipped(IMAGES), given.images or (500 if tier() == "avx512" else 200))
    return _compare(load(shipped(NETWORK)), images, MULTIPLIERS, given.measured_images, report, True)


def compare(given: argparse.Namespace) -> Result:
    """Compare multipliers on a network and images of the user's."""
    network, images = _network_and_images(given)
    return _compare(network, images, given.multipliers, given.measured_images, given.report, given.overwrite)


def _compare(
    network: "Network", images: "ImageSet", names: Any, measured_images: int, report: Any, overwrite: bool
) -> Result:
    from .catalog import multiplier
    from .comparison import compare
    from .files import check_writable
    from .report import write_report
    from .text import comparison_text

    if report is not None:
        check_writable(report, overwrite)
    display = ProgressDisplay()
    try:
        comparison = compare(
            network, images, [multiplier(name) for name in names], measured_images=measured_images, phase=display.phase
        )
    finally:
        display.close()
    written, failure = "", None
    if report is not None:
        try:
            write_report(comparison, report, overwrite)
            written = f"\nReport: {report}"
        except AxsimError as error:  # minutes of work are shown all the same
            failure, report = error, None
    data = {**comparison.as_dict(), "report": report and str(report)}
    return Result(comparison_text(comparison) + written, data, failure)


def multipliers(given: argparse.Namespace) -> Result:
    """List families and example members."""
    from .catalog import WIDTH, examples, families, multiplier

    data: dict[str, Any] = {"families": [], "examples": []}
    family_rows, rows = [], []
    for name, family in families().items():
        ranges = [f"{p.name}={p.low}..{p.high(WIDTH)}" for p in family.parameters] + ["signed=0..1"] * family.signed
        family_rows.append([name, ", ".join(ranges), family.summary])
        data["families"].append(
            {
                "name": name,
                "summary": family.summary,
                "citation": family.citation,
                "signed": family.signed,
                "parameters": [
                    {"name": p.name, "meaning": p.meaning, "low": p.low, "high": p.high(WIDTH), "default": p.default}
                    for p in family.parameters
                ],
            }
        )
    for name in examples():
        each = multiplier(name)
        m = each.moments()
        rows.append(
            [
                name,
                " x ".join(each.operands),
                f"{m.mean_error:.4g}",
                f"{m.standard_deviation:.4g}",
                f"{100 * m.mred:.3g} %",
                f"{m.wce}",
                f"{100 * m.error_rate:.1f} %",
            ]
        )
        data["examples"].append({"name": name, "operands": each.operands, **m.as_dict()})
    head = ["example", "operands", "mean error", "sigma", "MRED", "WCE", "error rate"]
    text = "\n".join(
        [
            text_table(["family", "parameters", "what it is"], family_rows, right_from=3),
            "",
            text_table(head, rows, right_from=2),
            "",
            "Uniform operands of the formats shown; `axsim moments NAME --operands s8,s8` as it serves signed ones.",
            "Mean error, sigma and WCE in LSB; MRED over non-zero products.",
            "All figures of one: axsim moments NAME",
        ]
    )
    return Result(text, data)


def moments(given: argparse.Namespace) -> Result:
    """All error statistics of one multiplier."""
    from .catalog import multiplier
    from .formats import FORMATS

    each = multiplier(given.multiplier)
    if given.operands is not None:
        pair = tuple(given.operands.split(","))
        if len(pair) != 2 or any(fmt not in FORMATS for fmt in pair):
            raise MultiplierError(f"--operands must be two of u8 and s8 such as s8,s8, got {given.operands!r}")
        each = each.serving(*pair)
    figures = each.moments(zero_products=given.zero_products).as_dict()
    rows = [[key, f"{value:.10g}" if isinstance(value, float) else str(value)] for key, value in figures.items()]
    text = f"{each.name}, {' x '.join(each.operands)}, uniform operands\n\n" + text_table(["statistic", "value"], rows)
    return Result(text, {"multiplier": each.name, "operands": each.operands, "table_sha256": each.digest, **figures})


def convert(given: argparse.Namespace) -> Result:
    """Convert a float ONNX model."""
    from .comparison import check_labels
    from .engine import run
    from .files import check_readable, check_writable
    from .images import load_images
    from .network import Preprocessing
    from .network_file import save
    from .quantize import convert
    from .text import percent

    check_readable(given.model, ConversionError, "name a float .onnx model")
    target = check_writable(given.output, given.overwrite)
    if any(os.path.realpath(source) == target for source in (given.model, given.images)):
        raise AxsimError(f"output must be another file than what is read, got {given.output}")
    images = load_images(given.images, given.limit)
    channels = images.images.shape[3]
    recipe = Preprocessing(given.pixel_scale, given.mean or (0.0,) * channels, given.std or (1.0,) * channels)
    about = {key: value for key, value in (("origin", given.origin), ("licence", given.licence)) if value}
    display = ProgressDisplay()
    try:
        network = convert(
            given.model,
            images,
            recipe,
            scheme=given.scheme,
            method=given.calibration,
            name=given.name,
            about=about,
            progress=display.phase("calibration"),
        )
        top1 = None
        if images.labels is not None:
            check_labels(network, images)
            top1 = run(network, images.images, progress=display.phase("int8 check")).top1(images.labels)
    finally:
        display.close()
    save(network, given.output, given.overwrite)
    weights = sum(layer.weight.size for layer in network.layers)
    data = {
        "network": network.name,
        "output": given.output,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "calibration": given.calibration,
        "nodes": len(network.nodes),
        "layers": len(network.layers),
        "weights": weights,
        "preprocessing": dataclasses.asdict(recipe),
        "calibration_images": len(images),
        "int8_top1_on_calibration_images": top1,
    }
    text = "\n".join(
        [
            f"{given.output}: {network.name}, {network.scheme} int8, {len(network.nodes)} nodes, "
            f"{len(network.layers)} layers with {weights} weights",
            f"input = (pixel / {recipe.pixel_scale:g} - mean) / std, mean {_listed(recipe.mean)}, "
            f"std {_listed(recipe.std)}",
            f"int8 top-1 on the {len(images)} calibration images: {percent(top1)}",
        ]
    )
    return Result(text, data)


def run(given: argparse.Namespace) -> Result:
    """Run a network."""
    from .catalog import multiplier
    from .comparison import wilson_interval
    from .engine import run
    from .text import interval, percent

    network, images = _network_and_images(given)
    chosen = {layer.name: multiplier(given.multiplier) for layer in network.layers}
    for item in given.layers:
        # A layer's name may hold an equals sign itself.
        layer = max((name for name in chosen if item.startswith(name + "=")), key=len, default=None)
        if layer is None:
            raise NetworkError(
                f"--layer must be LAYER=NAME with a layer of the network ({', '.join(chosen)}), got {item!r}"
            )
        chosen[layer] = multiplier(item[len(layer) + 1 :])
    display = ProgressDisplay()
    try:
        result = run(
            network,
            images.images,
            chosen,
            statistics=given.statistics,
            batch_size=given.batch_size,
            progress=display.phase(given.multiplier),
        )
    finally:
        display.close()
    top1 = None if images.labels is None else result.top1(images.labels)
    bounds = None if top1 is None else wilson_interval(top1, len(images))
    layers: list[dict[str, Any]] = [
        {
            "layer": name,
            "multiplier": chosen[name].name,
            "error_norm": statistics.errors.norm,
            "exact_norm": statistics.errors.exact_norm,
            "mean_error": statistics.errors.mean_error,
            "distortion": statistics.errors.distortion,
        }
        for name, statistics in result.statistics.items()
    ]
    data = {
        "network": network.name,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "images": len(images),
        "top1": top1,
        "top1_interval_95": bounds,
        "steps": [dataclasses.asdict(step) for step in result.steps],
        "predictions": result.logits.argmax(axis=1).tolist(),
        **({"statistics": layers} if given.statistics else {}),
    }
    used: dict[str, list[str]] = {}
    for step in result.steps:
        used.setdefault(step.multiplier, []).append(step.node)
    lines = [f"{network.name}, {network.scheme} int8, {len(images)} images: top-1 {percent(top1)} ({interval(bounds)})"]
    lines += [
        f"  {name}: {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'} ({', '.join(nodes)})"
        for name, nodes in used.items()
    ]
    if given.statistics:
        rows = [
            [
                row["layer"],
                f"{row['error_norm']:.4g}",
                f"{row['exact_norm']:.4g}",
                f"{row['mean_error']:.4g}",
                f"{row['distortion']:.2e}",
            ]
            for row in layers
        ]
        lines += [
            "",
            "Error matrix of each layer, on the inputs of this run (LSB of the sums):",
            "",
            text_table(["layer", "norm(E)", "norm(C)", "mean of E", "distortion"], rows),
        ]
    return Result("\n".join(lines), data)


def bench(given: argparse.Namespace) -> Result:
    """Time the kernels, or explain a plan."""
    import numba

    from .bench import OUTSIDE, WORKLOADS, Timing, machine
    from .bench import bench as timings_of
    from .catalog import multiplier

    if given.explain:
        return _explained(multiplier(given.explain))
    chosen = [each for each in WORKLOADS if (given.only or "").lower() in each.name.lower()]
    if not chosen:
        names = ", ".join(each.name for each in WORKLOADS)
        raise AxsimError(f"--only must be part of the name of a shape ({names}), got {given.only!r}")
    threads = given.threads or tuple(sorted({1, numba.config.NUMBA_NUM_THREADS}))
    display = ProgressDisplay()
    try:
        timings = timings_of(chosen, threads, given.seconds, display.phase("bench"))
    finally:
        display.close()
    outside = {(each.workload, each.threads): each.best for each in timings if each.contender == OUTSIDE}

    def row(each: Timing) -> list[str]:
        exact = outside.get((each.workload, each.threads))
        ratio = "-" if exact is None else f"{each.best / exact:.2f}"
        speeds = [f"{each.best:.1f}", f"{each.median:.1f}", ratio]
        return [each.workload, str(each.threads), each.contender, each.plan, *speeds]

    head = ["shape", "threads", "contender", "how", "best", "median", "of ONNX Runtime"]
    about = machine()
    text = "\n".join(
        [
            f"{about['cpu']}, {about['cores']} cores, tier {about['tier']}; GMAC/s, im2col included",
            "",
            text_table(head, [row(each) for each in timings], right_from=4),
        ]
    )
    return Result(text, {"machine": about, "timings": [dataclasses.asdict(each) for each in timings]})


def _explained(each: "Multiplier") -> Result:
    from .formats import FORMATS
    from .plan import plan, tier

    rows = []
    for pair in ((w, x) for w in FORMATS for x in FORMATS):
        if each.operands in (("u8", "u8"), pair):
            chosen = plan(each.serving(*pair))
            rows.append([" x ".join(pair), chosen.kind, chosen.reason])
    names = ["operands", "plan", "why"]
    return Result(
        f"{each.name}, tier {tier()}\n\n" + text_table(names, rows, right_from=3),
        {"multiplier": each.name, "tier": tier(), "plans": [dict(zip(names, row, strict=True)) for row in rows]},
    )


def warmup(given: argparse.Namespace) -> Result:
    """Compile all kernels."""
    import time

    display = ProgressDisplay()
    start = time.perf_counter()
    try:
        update = display.phase("compiling kernels")
        from .bench import compile_all

        compile_all()
        update(1, 1)
    finally:
        display.close()
    seconds = time.perf_counter() - start
    return Result(f"all kernels compiled, or found compiled, in {seconds:.1f} s", {"seconds": seconds})


def _network_and_images(given: argparse.Namespace) -> "tuple[Network, ImageSet]":
    from .comparison import check_labels
    from .engine import check_images
    from .images import load_images
    from .network_file import load

    network, images = load(given.network), load_images(given.images, given.limit)
    check_images(network, images.images)
    check_labels(network, images)
    return network, images


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
