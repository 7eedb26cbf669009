"""Assignments against one multiplier for all layers, at one point of top-1 lost; and against a genetic search.

    python tests/bench/assignment.py uniform ResNet-20 MobileNetV2 EfficientNet-Lite0
    python tests/bench/assignment.py genetic

`uniform` assigns on calibration images, and judges the assignment and uniform ones on others. `genetic` runs
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
from axsim.assignment.assign import STATISTICS_IMAGES, candidates
from axsim.assignment.damage import damages, scales_of, sensitivities
from axsim.assignment.genetic import hypervolume, nsga2
from axsim.assignment.problem import Problem, power_costs
from axsim.assignment.runs import Runs, remembered
from axsim.assignment.search import Budget, search
from axsim.conversion.convert import ModelInput
from axsim.images import ImageSet
from axsim.line_store import LineStore
from axsim.statistics.measure import gather_statistics
from axsim.sweep.sources import code_digest

RUNS, SENSITIVITY_IMAGES = 60, 64
SCREENED = 60  # held-out images
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


def searched(network, calibration, memory, given):
    """What `axsim assign` does before it judges: the runs, what was found, and injected images in units of runs."""
    multipliers = candidates(network)
    problem = Problem(network, multipliers, power_costs(multipliers))
    statistics = gather_statistics(network, calibration.first(STATISTICS_IMAGES).images, progress=phase("statistics"))
    predictor = axsim.Predictor(statistics)
    predictions = [predictor(each) for each in multipliers.values()]
    scales = scales_of(network, predictions[0])
    few = calibration.first(given.sensitivity_images)
    show = phase("sensitivities")
    sensitivity = np.array(
        remembered(
            memory,
            f"sensitivities {network.digest} {few.digest}",
            lambda: sensitivities(network, few.images, scales, progress=show).tolist(),
        )
    )
    predicted = damages(sensitivity, scales, predictions, compensated=given.compensated)
    runs = Runs(problem, calibration, predictions if given.compensated else None, memory)
    found = search(
        predicted, runs, Budget.parse(given.budget), most_runs=given.runs, progress=phase("bit-exact runs")
    )  # fmt: skip
    return runs, found, predictions, len(few) * sensitivity.size / len(calibration)


def against_uniform(network, calibration, images, memory, given):
    """
    Compare with the cheapest multiplier for all layers that meets the budget on the held-out images.

    Every multiplier is run on the first SCREENED of them; those that lose more than the budget there beyond their 95 %
    interval are out. The others are run on all images, by energy, until one meets the budget: dearer ones need no run.
    """
    runs, found, predictions, injected = searched(network, calibration, memory, given)
    problem, budget = runs.problem, Budget.parse(given.budget)
    compensating = predictions if given.compensated else None
    judge, screen = (Runs(problem, part, compensating, memory) for part in (images, images.first(SCREENED)))
    rounds = ", ".join(f"{each.runs} ({each.typical:.2f}, {each.largest:.2f})" for each in found.rounds)
    print(f"{network.name}, budget {budget}{', compensated' if given.compensated else ''}:")
    more = f"and {injected:.0f} runs' worth of injected errors"
    print(f"  {len(found.measured)} bit-exact runs of {len(calibration)} images {more}")
    print(f"  rounds {rounds}; agreed: {found.agreed}")
    print(f"  exact {100 * judge.exact_top1:.2f} % of {len(images)} held-out images")
    show(problem, "calibration", found.chosen)
    chosen = judge(found.chosen.choice)
    show(problem, "assigned", chosen)
    for index in sorted(range(len(problem.names)), key=lambda index: problem.cost[0, index]):
        one = screen(problem.uniform(index))
        if one.lost_interval[0] > budget.amount:
            show(problem, "out", one)
            continue
        one = judge(problem.uniform(index))
        show(problem, "uniform", one)
        if one.lost <= budget.amount:
            print(f"{100 * (1 - chosen.energy / one.energy):.1f} % less energy than the cheapest uniform assignment")
            return


def show(problem, words, one):
    """Print one assignment."""
    names = {problem.names[column] for column in one.choice}
    name = names.pop() if len(names) == 1 else f"{len(names)} multipliers"
    low, high = (100 * bound for bound in one.lost_interval)
    lost = f"lost {100 * one.lost:6.2f} ({low:.2f} to {high:.2f}) of {one.images} images"
    print(f"  {words:12s} {name:16s} energy {one.energy:.4f}  {lost}", flush=True)


def against_genetic(network, calibration, images, memory, given):
    """Compare the fronts of both searches: their non-dominated runs by energy and top-1 on the calibration images."""
    ours, _, _, injected = searched(network, calibration, memory, given)
    theirs = Runs(ours.problem, calibration, None, memory)
    history = nsga2(theirs, given.population, given.generations, seed=given.seed, progress=phase("NSGA-II"))
    judge = Runs(ours.problem, images, None, memory)
    print(f"{network.name}, {len(ours.problem.names)} multipliers, {len(calibration)} images, {len(images)} held out")
    print(f"hypervolume of (energy, top-1 lost) below (1, {LARGEST_LOSS}):")
    print(f"{'':34s}runs   these images   held out")
    mine = list(ours.found.values())
    for words, measured in (*checkpoints("axsim assign", mine), *checkpoints("NSGA-II", history)):
        here, held = volumes(measured, judge)
        print(f"{words:34s}{len(measured):5d}   {here:.4f}         {held:.4f}", flush=True)
    print(f"the sensitivities of axsim assign took {injected:.0f} more runs' worth of images, with injected errors")


def checkpoints(words, measured):
    """A search after as many runs as it was given, and after parts of them."""
    counts = sorted({*(len(measured) * share // 8 for share in (1, 2, 3, 4, 6)), len(measured)})
    return [(words, measured[:count]) for count in counts]


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
