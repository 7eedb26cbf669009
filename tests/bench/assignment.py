"""Assignments against one multiplier for all layers, at one point of top-1 lost; and against a genetic search.

    python tests/bench/assignment.py uniform ResNet-20 MobileNetV2 EfficientNet-Lite0
    python tests/bench/assignment.py genetic

`uniform` assigns on calibration images, and judges the assignment and every uniform one on others. `genetic` runs
NSGA-II and the search of `axsim assign` on the same images of ResNet-20, and compares their fronts by hypervolume, on
these images and on held-out ones. Both need the test data; finished runs are kept in --store, so that either goes on
where it was stopped.
"""

import argparse
import dataclasses
import pathlib
import sys
import time

import numpy as np
from accuracy import CASES, FOLDER

import axsim
from axsim.assignment.assign import STATISTICS_IMAGES, assign, candidates
from axsim.assignment.damage import damages, scales_of, sensitivities
from axsim.assignment.genetic import hypervolume, nsga2
from axsim.assignment.problem import Problem, power_costs
from axsim.assignment.runs import Runs
from axsim.assignment.search import Budget, search
from axsim.assignment.text import assigned_text
from axsim.conversion.quantize import ModelInput
from axsim.images import ImageSet
from axsim.line_store import LineStore
from axsim.statistics.measure import gather_statistics
from axsim.sweep.sources import code_digest

RUNS, SENSITIVITY_IMAGES = 60, 64
LARGEST_LOSS = 0.2  # of top-1: the hypervolume counts what loses less


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("uniform", "genetic"))
    parser.add_argument("networks", nargs="*", default=["ResNet-20"])
    parser.add_argument("--budget", default="accuracy=1.0")
    parser.add_argument("--calibration", type=int, default=500, help="images that choose (500)")
    parser.add_argument("--images", type=int, default=2000, help="images that judge (2000, of ImageNet at most 650)")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"most bit-exact runs of the search ({RUNS})")
    parser.add_argument("--sensitivity-images", type=int, default=SENSITIVITY_IMAGES)
    parser.add_argument("--compensated", action="store_true")
    parser.add_argument("--population", type=int, default=50)
    parser.add_argument("--generations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=pathlib.Path, default=pathlib.Path("assignment.jsonl"))
    given = parser.parse_args()
    memory = LineStore(given.store, "assignment", {"code": code_digest()})
    for name in given.networks:
        network, calibration, images = material(name, given)
        (against_uniform if given.what == "uniform" else against_genetic)(network, calibration, images, memory, given)


def material(name, given):
    """Network, calibration images and other images to judge on."""
    case = CASES[name]
    shipped = {"ResNet-20": "resnet20-cifar10", "EfficientNet-Lite0": "efficientnet-lite0"}.get(name)
    if case.images == "cifar10":
        images = axsim.load_images(FOLDER / "images" / "cifar10" / "test.npz")
        return axsim.load(shipped), images.first(given.calibration), images.after(given.calibration).first(given.images)
    if shipped is not None:
        network = axsim.load(shipped)
    else:
        seen = ModelInput((3, 224, 224), case.recipe, 1000)
        several = axsim.load_images(FOLDER / "images" / "imagenet/sample1000", None, seen)
        chosen = np.linspace(0, len(several) - 1, 100).round().astype(int)
        network = axsim.convert(
            FOLDER / "models" / case.model, ImageSet(several.images[chosen]), case.recipe,
            drop_background=case.drop_background,
        )  # fmt: skip
    # The source squashed these pictures.
    recipe = dataclasses.replace(network.preprocessing, fit="squash", crop=1.0, interpolation="bicubic")
    seen = dataclasses.replace(network, preprocessing=recipe)
    everything = axsim.load_images(FOLDER / "images" / "imagenet/val650", None, seen)
    order = np.random.default_rng(0).permutation(len(everything))
    parts = order[: given.calibration], order[given.calibration :][: given.images]
    calibration, images = (ImageSet(everything.images[np.sort(p)], everything.labels[np.sort(p)]) for p in parts)
    return network, calibration, images


def phase(name):
    start = time.process_time()

    def show(done, total):
        print(f"\r{name} {done}/{total}, {time.process_time() - start:.0f} s of CPU time", end="", file=sys.stderr)
        if done == total:
            print(file=sys.stderr, flush=True)

    return show


def against_uniform(network, calibration, images, memory, given):
    found = assign(
        network, images, calibration, given.budget, compensated=given.compensated, most_runs=given.runs,
        sensitivity_images=given.sensitivity_images, memory=memory, phase=phase,
    )  # fmt: skip
    print(assigned_text(found))
    print("\nuniform, on the held-out images:")
    for one in sorted(found.uniform, key=lambda one: one.energy):
        low, high = (100 * bound for bound in one.lost_interval)
        name = found.problem.names[one.choice[0]]
        print(f"  {name:12s} energy {one.energy:.4f}  lost {100 * one.lost:6.2f} ({low:.2f} to {high:.2f})")


def against_genetic(network, calibration, images, memory, given):
    """Compare the fronts of both searches: their non-dominated runs by energy and top-1 on the calibration images."""
    multipliers = candidates(network)
    problem = Problem(network, multipliers, power_costs(multipliers))
    statistics = gather_statistics(network, calibration.first(STATISTICS_IMAGES).images)
    predictor = axsim.Predictor(statistics)
    predictions = [predictor(each) for each in multipliers.values()]
    scales = scales_of(network, predictions[0])
    few = calibration.first(given.sensitivity_images)
    sensitivity = sensitivities(network, few.images, scales, progress=phase("sensitivities"))
    ours = Runs(problem, calibration, None, memory)
    search(damages(sensitivity, scales, predictions), ours, Budget.parse(given.budget), most_runs=given.runs,
           progress=phase("axsim assign"))  # fmt: skip
    theirs = Runs(problem, calibration, None, memory)
    history = nsga2(theirs, given.population, given.generations, seed=given.seed, progress=phase("NSGA-II"))
    judge = Runs(problem, images, None, memory)
    injected = len(few) * sensitivity.size / len(calibration)
    print(f"{network.name}, {len(problem.names)} multipliers, {len(calibration)} images, {len(images)} held out")
    print(f"hypervolume of (energy, top-1 lost) below (1, {LARGEST_LOSS}):")
    print(f"{'':34s}runs   these images   held out")
    wanted = None
    for words, measured in (("axsim assign", list(ours.found.values())), *checkpoints(history)):
        here, held = volumes(measured, judge)
        wanted = here if wanted is None else wanted
        more = f" and {injected:.0f} runs' worth of injected errors" if words == "axsim assign" else ""
        print(f"{words:34s}{len(measured):5d}   {here:.4f}         {held:.4f}{more}")
    ratio = len(history) / len(ours.found)
    print(f"NSGA-II was given {ratio:.1f} times as many runs, {len(history) / (len(ours.found) + injected):.1f} times "
          "counting the injected ones")  # fmt: skip


def checkpoints(history):
    """NSGA-II after as many runs as given, and after parts of them."""
    counts = sorted({*(len(history) * share // 8 for share in (1, 2, 4)), len(history)})
    return [(f"NSGA-II after {count} runs", history[:count]) for count in counts]


def volumes(measured, judge):
    """Hypervolume of the front on these images, and of the same choices on the held-out ones."""
    best = pareto(measured)
    return hypervolume(best, LARGEST_LOSS), hypervolume([judge(one.choice) for one in best], LARGEST_LOSS)


def pareto(measured):
    """Those that no other beats in energy and top-1 lost."""
    best = []
    for one in sorted(measured, key=lambda one: (one.energy, one.lost)):
        if not best or one.lost < best[-1].lost:
            best.append(one)
    return best


if __name__ == "__main__":
    main()
