"""The choice among ways of compensating: by images held out, and never one that does not help."""

import math

import numpy as np
import pytest
import reference
from networks import network_of, random_images

import axsim
from axsim.commands.compensate import WAYS as WAYS_ON_THE_COMMAND_LINE
from axsim.compensation import AS_IT_IS, WAYS, Line, compensate, compensate_best, compensated_by, fold
from axsim.compensation import choice as choice_module
from axsim.compensation.choice import ENOUGH, FACTORS, TRIED, Candidate, divergences, held_out_of
from axsim.errors import AxsimError, MultiplierError
from axsim.inference.engine import Run
from axsim.multipliers.product_table import Multiplier
from axsim.statistics.measure import gather_statistics


def erring(error):
    """Exact products plus an error of the patterns of w and x, int [256, 256]."""
    return Multiplier("erring", reference.product_table(None, "s8", "s8") + error, ("s8", "s8"))


def gained(gain=0.25, shift=-900):
    return erring(np.rint(gain * reference.product_table(None, "s8", "s8")).astype(np.int64) + shift)


def bad_at_odd_weights():
    error = np.random.default_rng(3).integers(-4000, 4001, (256, 256))
    error[::2] = 0
    return erring(error)


@pytest.fixture(scope="module")
def network():
    return network_of(["conv", "conv"], 11, "symmetric", (3, 7, 6))


@pytest.fixture(scope="module")
def images(network):
    return random_images(network, 24)


def test_what_one_line_undoes_is_undone_and_the_rest_not_tried(network, images):
    found = compensate_best(network, gained(), images)
    assert found.way == "predicted"
    assert list(found.candidates) == [AS_IT_IS, "predicted"]
    assert found.candidates["predicted"].divergence < ENOUGH < found.candidates[AS_IT_IS].divergence
    assert found.held_out == 6
    assert found.network.bound_to[0] == "erring"


def test_what_only_other_codes_undo_is_undone_by_them(network, images):
    found = compensate_best(network, bad_at_odd_weights(), random_images(network, 96))
    assert found.way.endswith("-tuned")
    assert found.candidates[found.way].divergence == min(each.divergence for each in found.candidates.values())
    assert found.candidates[found.way].divergence < found.candidates["predicted"].divergence


def test_candidates_are_what_each_way_gives_on_images_not_held_out(network, images, monkeypatch):
    """Each way sees the images not held out, and each divergence is of those that are."""
    monkeypatch.setattr(choice_module, "ENOUGH", -1.0)
    multiplier = axsim.multiplier("drum:k=3")
    held_out, fit = images[held_out_of(len(images))], images[~held_out_of(len(images))]
    found = compensate_best(network, multiplier, images, ways=WAYS)
    assert list(found.candidates) == [AS_IT_IS, *WAYS]
    statistics = gather_statistics(network, fit)
    exact = axsim.run(network, held_out).logits
    for way in WAYS:
        made = found.candidates[way].network
        target, _, tuned = way.partition("-")
        given = (statistics,) if target == "predicted" else ()
        options = {} if target == "predicted" else {"images": fit, "target": target}
        wanted = compensate(network, multiplier, *given, **options, tuned=bool(tuned))
        assert compensated_by(way, network, multiplier, statistics, fit).digest == made.digest == wanted.digest
        seen = divergences(axsim.run(made, held_out, multiplier).logits, exact)
        assert np.array_equal(found.candidates[way].divergences, seen)


@pytest.mark.parametrize("classes", [2, 4, 10, 100])
def test_images_held_out_are_of_all_classes_in_turn(classes):
    """As folders of one class each are read: one of each in turn."""
    labels = np.arange(400) % classes
    held_out = held_out_of(400)
    assert held_out.sum() == 100
    share = np.bincount(labels[held_out], minlength=classes) * classes / 100
    assert share.min() > 0.3 if classes <= 10 else (share > 0).mean() > 0.6
    assert [held_out_of(count).sum() for count in (8, 11, 12)] == [2, 2, 3]


def test_statistics_given_are_used(network, images):
    statistics = gather_statistics(network, images[:2])
    found = compensate_best(network, gained(), images, statistics)
    wanted = compensate(network, gained(), statistics)
    assert found.candidates["predicted"].network.digest == wanted.digest


def test_where_nothing_is_lost_nothing_is_done(network, images):
    found = compensate_best(network, axsim.multiplier("exact"), images)
    assert found.way == AS_IT_IS
    assert found.network is network
    assert found != compensate_best(network, axsim.multiplier("exact"), images)  # and no error: arrays are not compared


def test_a_way_that_harms_is_not_taken(network, images, monkeypatch):
    name = network.weight_layers[0].name
    channels = len(network.weight_layers[0].weight)
    harmed = fold(network, {name: Line(np.full(channels, 1.0), np.full(channels, 5000.0))})
    monkeypatch.setattr(choice_module, "compensated_by", lambda *given: harmed)
    found = compensate_best(network, axsim.multiplier("mul8s_1KV8"), images)
    assert list(found.candidates) == [AS_IT_IS, *TRIED]
    assert found.way == AS_IT_IS
    assert found.network is network


def test_what_is_chosen_gains_more_than_chance():
    def chosen(**divergence):
        values = {AS_IT_IS: np.array([1.0, 2.0, 1.0, 2.0]), **{way: np.array(d) for way, d in divergence.items()}}
        return choice_module._chosen({way: Candidate(None, each) for way, each in values.items()})

    assert chosen() == AS_IT_IS
    assert chosen(same=[1.0, 2.0, 1.0, 2.0]) == AS_IT_IS
    assert chosen(worse=[2.0, 3.0, 2.0, 3.0]) == AS_IT_IS
    assert chosen(better=[0.9, 1.9, 0.9, 1.9]) == "better"
    assert chosen(better=[0.9, 1.9, 0.9, 1.9], best=[0.5, 1.4, 0.5, 1.6]) == "best"
    # On one image much better, on the others a little worse: by chance, as far as four images tell.
    assert chosen(by_chance=[1.1, 2.1, 1.1, 0.0], better=[0.9, 1.9, 0.9, 1.9]) == "better"
    assert chosen(by_chance=[1.1, 2.1, 1.1, 0.0]) == AS_IT_IS


def test_divergence_is_that_of_kullback_and_leibler():
    rng = np.random.default_rng(0)
    exact, other = (rng.normal(0, 3, (5, 4)).astype(np.float32) for _ in range(2))
    by_factor = []
    for factor in FACTORS.tolist():
        by_factor.append([])
        for image in range(5):
            p, q = (
                [math.exp(scale * v) for v in values[image].tolist()] for scale, values in ((1, exact), (factor, other))
            )
            p, q = ([v / sum(values) for v in values] for values in (p, q))
            by_factor[-1].append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    assert divergences(other, exact) == pytest.approx(min(by_factor, key=sum))


def test_divergence_does_not_depend_on_what_leaves_the_classes_in_order():
    rng = np.random.default_rng(0)
    exact, other = (rng.normal(0, 3, (5, 4)).astype(np.float32) for _ in range(2))
    assert divergences(exact + 5, exact) == pytest.approx(0, abs=1e-6)
    assert divergences(exact * 8, exact) == pytest.approx(0, abs=1e-6)
    assert divergences(other * 4, exact) == pytest.approx(divergences(other, exact))
    assert np.isfinite(divergences(1e4 * other, 1e4 * exact)).all()
    # Sure of what is wrong: no worse than equal probabilities.
    assert divergences(-9 * exact, exact) == pytest.approx(divergences(np.zeros_like(exact), exact))


def test_the_command_line_names_the_same_ways():
    assert ("best", *WAYS) == WAYS_ON_THE_COMMAND_LINE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 7}, "8 or more to hold some out, got 7"),
        ({"ways": ("predicted", "guess")}, "got 'guess'"),
        ({"ways": ()}, "got none"),
    ],
)
def test_wrong_arguments(network, images, options, words):
    given = images[: options.pop("count", len(images))]
    with pytest.raises(AxsimError, match=words):
        compensate_best(network, axsim.multiplier("mitchell"), given, **options)


def test_what_does_not_fit_is_refused_before_anything_runs(network, images, monkeypatch):
    monkeypatch.setattr(choice_module, "run", None)
    with pytest.raises(MultiplierError, match="must be a Multiplier"):
        compensate_best(network, "mitchell", images)
    other = network_of(["conv"], 1, "symmetric", (3, 7, 6))
    with pytest.raises(AxsimError, match="statistics must be of"):
        compensate_best(network, axsim.multiplier("mitchell"), images, gather_statistics(other, images))


def test_networks_that_cannot_be_compared(network, images, monkeypatch):
    mitchell = axsim.multiplier("mitchell")
    with pytest.raises(AxsimError, match="compensated already"):
        compensate_best(compensate(network, mitchell, images=images), mitchell, images)
    logits = axsim.run(network, images[held_out_of(len(images))]).logits[:, :1]
    monkeypatch.setattr(choice_module, "run", lambda *given, **options: Run(logits, (), {}))
    with pytest.raises(AxsimError, match="two classes"):
        compensate_best(network, mitchell, images)
