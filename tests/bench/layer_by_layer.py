"""Top-1 predicted layer by layer, and with the layers of few taps run through the multiplier: where predictions err.

    python tests/bench/layer_by_layer.py NETWORK --images IMAGES --store FILE [--taps 9] [--count N | --only NAME ...]
        [options for pictures, as of axsim run]

Multipliers are drawn at random (`drawing.py`), or named; those that lose 0.5 to 60 points are predicted twice on lines
from the first 32 images, as `axsim study` does: all layers by lines and noise, then with layers of up to --taps taps
bit for bit (9: the depthwise ones). Finished rows are kept in the store, and a stopped run goes on from them. Prints a
row a multiplier, then the mean errors in points.
"""

import argparse

import numpy as np
from drawing import drawn

import axsim
from axsim.code_digest import code_digest
from axsim.commands.arguments import add_network_and_images, count, network_and_images
from axsim.injection import inject, lines_layer_by_layer
from axsim.line_store import LineStore
from axsim.progress import ProgressDisplay
from axsim.study.rows import is_judged
from axsim.study.runner import LINE_IMAGES, SEED


def row_of(network, images, multiplier, exact, few):
    def top1(run):
        return run.top1(images.labels)

    row = {"multiplier": multiplier.name, "top1": top1(axsim.run(network, images.images, multiplier))}
    if is_judged(exact - row["top1"]):
        for words, simulated in (("lines", ()), ("few simulated", few)):
            found = lines_layer_by_layer(
                network, multiplier, images.images[:LINE_IMAGES], seed=SEED, simulated=simulated
            )
            row[words] = top1(inject(network, images.images, found, seed=SEED))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_network_and_images(parser)
    parser.add_argument("--store", required=True)
    parser.add_argument("--taps", type=count, default=9)
    parser.add_argument("--count", type=count, help="multipliers drawn (all)")
    parser.add_argument("--only", nargs="+", help="multipliers, instead of drawing")
    given = parser.parse_args()
    display = ProgressDisplay()
    network, images = network_and_images(given, display)
    display.close()
    names = given.only or drawn(network, given.count)
    few = [layer.name for layer in network.weight_layers if layer.weight_rows().shape[1] <= given.taps]
    about = {
        "sources": code_digest("inference", "injection", "multipliers", "networks", "predict", "statistics"),
        "network": network.digest,
        "images": images.digest[:16],
        "taps": given.taps,
    }
    store = LineStore(given.store, "layer by layer", about)
    exact = axsim.run(network, images.images).top1(images.labels)
    print(
        f"{network.name}: {len(images)} images, exact {100 * exact:.2f} %, {len(few)} layers of up to {given.taps} taps"
    )
    errors = []
    for name in names:
        multiplier = axsim.multiplier(name)
        if multiplier.digest not in store.pieces:
            store.add(multiplier.digest, row_of(network, images, multiplier, exact, few))
        row = store.pieces[multiplier.digest]
        if "lines" in row:
            errors.append([row[words] - row["top1"] for words in ("lines", "few simulated")])
            shown = ", ".join(f"{100 * each:+.2f}" for each in errors[-1])
            print(f"{name:32} loses {100 * (exact - row['top1']):5.2f}, predicted {shown}", flush=True)
    if errors:
        means = 100 * np.abs(errors).mean(axis=0)
        print(f"{len(errors)} multipliers, mean error {means[0]:.2f}; with few taps simulated {means[1]:.2f}")


if __name__ == "__main__":
    main()
