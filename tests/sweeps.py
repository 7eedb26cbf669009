"""A folder with a small network and labelled images, and tasks on them, for tests of sweeps."""

import dataclasses
import os
import signal

import numpy as np
from networks import network_of, random_images

from axsim.images import ImageSet, save_images
from axsim.inference.engine import run
from axsim.networks.network_file import load
from axsim.networks.nodes import WeightLayer
from axsim.sweep.sources import ImagesSource, MultiplierSource, NetworkSource
from axsim.sweep.tasks import InjectedErrors, Outcome, Task


def write_folder(folder, images=8, seed=107):
    """Write network.h5 and images.h5, labelled as the exact network has it, so that accuracy falls from 100 %."""
    network = network_of(["conv", "conv"], seed, "symmetric", (4, 8, 8))
    pixels = random_images(network, images)
    labels = run(network, pixels).logits.argmax(axis=1).astype(np.int64)
    network.save(folder / "network.h5")
    save_images(folder / "images.h5", ImageSet(pixels, labels), {})
    return network


def write_another_network(folder):
    """Replace network.h5 by one that differs in its biases alone."""
    network = load(folder / "network.h5")
    nodes = [
        dataclasses.replace(node, bias=node.bias + 1) if isinstance(node, WeightLayer) else node
        for node in network.nodes
    ]  # fmt: skip
    dataclasses.replace(network, nodes=tuple(nodes)).save(folder / "network.h5")


def tasks_in(folder, multipliers=("exact", "mitchell", "drum:k=3"), errors=()):
    """Tasks on all layers, one a multiplier and one an injected error of given mean and std."""
    network = NetworkSource.of("network.h5", folder)
    images = ImagesSource("images.h5", str(folder / "images.h5"))
    images = dataclasses.replace(images, digest=images.read(load(folder / "network.h5")).digest)
    layers = tuple(layer.name for layer in load(folder / "network.h5").layers)
    made = [Task(network, images, layers, (MultiplierSource.of(name, folder),)) for name in multipliers]
    return made + [Task(network, images, layers, injected=InjectedErrors(mean, std)) for mean, std in errors]


def pretended_tasks(count):
    """Tasks that no worker could do, each with a key of its own."""
    network, images = NetworkSource("n", "/n", "d" * 64), ImagesSource("i", "/i", "e" * 64)
    for number in range(count):
        yield Task(network, images, ("a", "b"), injected=InjectedErrors(0.0, float(number)))


def outcome_of(task, seconds=0.0):
    """Return an outcome that depends on the task alone."""
    right = int(task.key[:4], 16)
    return Outcome(65536, right, right, right / 65536, 0.0, 1.0, 1.0, 0.0, 1.0, task.key, seconds, "w", "t")


def same_run(outcome):
    """What must not differ between two runs of one task."""
    return dataclasses.replace(outcome, seconds=0.0, worker="", finished="")


def die_once(task):
    """Kill the worker that does task 3 for the first time."""
    mark = os.environ["AXSIM_TEST_MARK"]
    if task.injected.std == 3 and not os.path.exists(mark):
        with open(mark, "w"):
            os.kill(os.getpid(), signal.SIGKILL)
    return dataclasses.replace(outcome_of(task), worker=f"{os.environ['NUMBA_NUM_THREADS']} {os.getpid()}")


def die_of_it(task):
    """Kill the worker that does task 3, always."""
    if task.injected.std == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome_of(task)
