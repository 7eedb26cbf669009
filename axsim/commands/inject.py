"""Add drawn errors of given mean and standard deviation to exact sums: top-1, or a map of it over a grid of both."""

import argparse
import dataclasses
from typing import Any

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import add_network_and_images, network_and_images, numbers
from .result import Result

LARGEST_GRID = 400


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser)
    parser.add_argument(
        "--mean", type=numbers, metavar="M,...",
        help="mean error of one product, LSB (0); several for a grid; --mean=-8,0,8 where it begins with a minus",
    )  # fmt: skip
    parser.add_argument("--std", type=numbers, metavar="S,...", help="standard deviation of it, LSB (0); or several")
    parser.add_argument("--relative", action="store_true", help="mean and std are shares of the exact product")
    parser.add_argument("--distribution", choices=("normal", "uniform", "two_point"), help="of the error (normal)")
    parser.add_argument(
        "--table", metavar="NAME", help="draw from the errors of this multiplier, mean and std its own unless given"
    )
    parser.add_argument(
        "--per", choices=("accumulator", "product"), default="accumulator",
        help="one draw a sum, with the moments of a sum of K draws; or K draws, far slower (accumulator)",
    )  # fmt: skip
    parser.add_argument("--layers", metavar="NAME,...", help="only these layers, the others run exactly (all)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same bits (0)")
    parser.add_argument("--map", metavar="FILE", help="write top-1 over the grid as SVG")
    parser.add_argument("--overwrite", action="store_true", help="replace the map if it exists")


def run(given: argparse.Namespace) -> Result:
    """Inject errors."""
    from ..files import check_output, replacing
    from ..injection import ErrorModel, inject
    from ..injection.grid import accuracy_grid, accuracy_map
    from ..multipliers.catalog import multiplier
    from ..text import accuracy_text, text_table

    if given.table is not None and given.distribution is not None:
        raise AxsimError(
            "--table draws from the multiplier's own errors, --distribution from another; give one of them"
        )
    cells = len(given.mean or (0.0,)), len(given.std or (0.0,))
    grid = cells != (1, 1)
    if cells[0] * cells[1] > LARGEST_GRID:
        raise AxsimError(f"a grid must have at most {LARGEST_GRID} cells, got {cells[0]} x {cells[1]}")
    if given.map is not None:
        check_output(given.map, given.overwrite, given.network, given.images, given.labels, given.table)
        if not given.map.endswith(".svg"):
            raise AxsimError(f"--map writes SVG, to a name that ends in .svg, got {given.map}")
        if not grid:
            raise AxsimError("--map needs a grid: give several values to --mean or --std")
    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        names = [layer.name for layer in network.weight_layers]
        layers = names if given.layers is None else given.layers.split(",")
        twice = sorted({name for name in layers if layers.count(name) > 1})
        if twice:
            raise AxsimError(f"--layers must name each layer once, got {twice[0]} more often")
        if given.table is None:
            model = ErrorModel(0.0, 0.0, given.relative, given.distribution or "normal", given.per)
        else:
            model = _from_table(multiplier(given.table), network, given)
        means, stds = given.mean or (model.mean,), given.std or (model.std,)
        model = dataclasses.replace(model, mean=means[0], std=stds[0])
        about: dict[str, Any] = {
            "network": network.name, "images": len(images), "relative": given.relative, "per": given.per,
            "distribution": given.table or model.distribution, "seed": given.seed, "layers": layers,
        }  # fmt: skip
        if not grid:
            result = inject(
                network, images.images, dict.fromkeys(layers, model), seed=given.seed,
                progress=display.phase("injected errors"),
            )  # fmt: skip
            measured = None if images.labels is None else result.accuracy(images.labels)
            top1 = None if measured is None else measured.top1
            data = {**about, "mean": model.mean, "std": model.std, "top1": top1}
            data["predictions"] = result.logits.argmax(axis=1).tolist()
            text = (
                f"{network.name}, {len(images)} images, errors of mean {model.mean:g} and standard deviation "
                f"{model.std:g} in {len(layers)} of {len(names)} layers with weights: {accuracy_text(measured)}"
            )
            return Result(text, data)
        if images.labels is None:
            raise AxsimError("a map of accuracy needs labels, and these images have none")
        shares = accuracy_grid(
            network, images.images, images.labels, model, means, stds, layers=layers, seed=given.seed,
            progress=display.phase("grid of errors"),
        )  # fmt: skip
    finally:
        display.close()
    rows = [[f"{std:g}", *(f"{100 * share:.1f}" for share in row)] for std, row in zip(stds, shares, strict=True)]
    text = f"Top-1 in percent on {len(images)} images; mean error across, standard deviation down:\n\n" + text_table(
        ["", *(f"{mean:g}" for mean in means)], rows
    )
    if given.map is not None:
        with replacing(given.map, given.overwrite) as temporary:
            temporary.write_text(accuracy_map(shares, means, stds, given.relative), encoding="utf-8")
        text += f"\n\nMap: {given.map}"
    return Result(text, {**about, "means": means, "stds": stds, "top1": shares.tolist(), "map": given.map})


def _from_table(multiplier: Any, network: Any, given: argparse.Namespace) -> Any:
    """Errors of a multiplier as it serves the first layer's operands."""
    from ..injection import ErrorModel

    first = network.weight_layers[0]
    served = multiplier.serving(first.weight_format, network.quantization(first.inputs[0]).format)
    return ErrorModel.empirical(served, given.relative, given.per)
