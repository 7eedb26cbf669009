"""A run of a sweep is what the engine gives, known by all that decides it, and refused where a source has changed."""

import dataclasses
import hashlib

import numpy as np
import pytest
from sweeps import same_run, tasks_in, write_another_network, write_folder

import axsim
from axsim.errors import AxsimError
from axsim.images import ImageSet, save_images
from axsim.images.image_set import StreamedImages
from axsim.injection import ErrorModel, inject
from axsim.sweep import sources
from axsim.sweep.sources import ImagesSource, MultiplierSource, NetworkSource, SourceChangedError
from axsim.sweep.tasks import InjectedErrors, Task, run_task


def digest_of(logits):
    return hashlib.sha256(logits.astype("<f4").tobytes()).hexdigest()


def test_a_run_is_what_the_engine_gives(tmp_path):
    network = write_folder(tmp_path)
    images = axsim.load_images(tmp_path / "images.h5")
    exact, mitchell, drawn = tasks_in(tmp_path, ["exact", "mitchell"], [(0.0, 300.0)])
    outcome = run_task(mitchell)
    wanted = axsim.run(network, images.images, axsim.multiplier("mitchell"))
    assert outcome.logits_sha256 == digest_of(wanted.logits)
    assert outcome.right1 == round(wanted.top1(images.labels) * 8)
    measured = wanted.accuracy(images.labels)
    assert (outcome.top1, outcome.top1_low, outcome.top1_high) == (measured.top1, *measured.top1_interval)
    assert (outcome.top5, outcome.top5_low, outcome.top5_high) == (measured.top5, *measured.top5_interval)
    assert run_task(exact).right1 == 8
    assert run_task(drawn).logits_sha256 == digest_of(inject(network, images.images, ErrorModel(0.0, 300.0)).logits)
    assert same_run(run_task(mitchell)) == same_run(outcome)


def test_each_layer_may_have_its_own_multiplier(tmp_path):
    network = write_folder(tmp_path)
    images = axsim.load_images(tmp_path / "images.h5")
    (task,) = tasks_in(tmp_path, ["exact"])
    first, second, *_ = names = task.layers
    pair = (MultiplierSource.of("mitchell"), MultiplierSource.of("drum:k=3"))
    assigned = dataclasses.replace(task, layers=(first, second), multipliers=pair, multiplier_name="mine")
    wanted = axsim.run(
        network, images.images, {first: axsim.multiplier("mitchell"), second: axsim.multiplier("drum:k=3")}
    )
    assert run_task(assigned).logits_sha256 == digest_of(wanted.logits)
    assert assigned.names["multiplier"] == "mine"
    assert assigned.names["assignment"] == f'{{"{first}": "mitchell", "{second}": "drum:k=3"}}'
    alone = dataclasses.replace(task, layers=(first,), multipliers=pair[:1])
    wanted = axsim.run(network, images.images, {first: axsim.multiplier("mitchell")})
    assert run_task(alone).logits_sha256 == digest_of(wanted.logits)
    assert len(names) >= 2


def test_errors_of_a_table_are_drawn_as_inject_draws_them(tmp_path):
    network = write_folder(tmp_path)
    images = axsim.load_images(tmp_path / "images.h5")
    (task,) = tasks_in(tmp_path, ["exact"])
    table = MultiplierSource.of("mul8s_1KVL")
    drawn = dataclasses.replace(task, multipliers=(), injected=InjectedErrors(None, 500.0, table=table, seed=3))
    model = dataclasses.replace(ErrorModel.empirical(axsim.multiplier("mul8s_1KVL"), per="accumulator"), std=500.0)
    wanted = inject(network, images.images, model, seed=3)
    assert run_task(drawn).logits_sha256 == digest_of(wanted.logits)


def test_the_key_is_of_all_that_decides_the_result_and_of_nothing_else(tmp_path):
    write_folder(tmp_path)
    task, drawn = tasks_in(tmp_path, ["mitchell"], [(0.0, 3.0)])
    other = MultiplierSource("x", "x", "0" * 64)
    changed = [
        dataclasses.replace(task, network=dataclasses.replace(task.network, digest="0")),
        dataclasses.replace(task, images=dataclasses.replace(task.images, digest="0")),
        dataclasses.replace(task, code="0"),
        dataclasses.replace(task, layers=task.layers[:1]),
        dataclasses.replace(task, multipliers=(other,)),
        drawn,
        dataclasses.replace(drawn, injected=dataclasses.replace(drawn.injected, seed=1)),
        dataclasses.replace(drawn, injected=dataclasses.replace(drawn.injected, table=other)),
        dataclasses.replace(drawn, injected=dataclasses.replace(drawn.injected, per="product")),
        dataclasses.replace(drawn, layers=task.layers[:1]),
    ]
    keys = [each.key for each in (task, *changed)]
    assert len(set(keys)) == len(keys)
    renamed = dataclasses.replace(
        task,
        network=dataclasses.replace(task.network, name="n", path="/elsewhere"),
        images=dataclasses.replace(task.images, name="i", path="/elsewhere"),
        multipliers=(dataclasses.replace(task.multipliers[0], name="m"),),
        layers_name="some",
    )
    assert renamed.key == task.key
    several = dataclasses.replace(task, multipliers=task.multipliers * len(task.layers))
    assert several.key == task.key


def test_a_changed_network_is_noticed_in_a_process_that_has_it_already(tmp_path):
    write_folder(tmp_path)
    (task,) = tasks_in(tmp_path, ["exact"])
    run_task(task)
    write_another_network(tmp_path)
    with pytest.raises(SourceChangedError, match=r"network\.h5: has changed since the sweep began"):
        run_task(task)
    (tmp_path / "network.h5").write_bytes(b"cut off")
    with pytest.raises(SourceChangedError, match="could be read when the sweep began"):
        run_task(task)


def test_changed_images_multipliers_and_code_are_noticed(tmp_path):
    network = write_folder(tmp_path)
    np.save(tmp_path / "mine.npy", axsim.multiplier("mitchell").table)
    (task,) = tasks_in(tmp_path, ["mine.npy"])
    run_task(task)
    np.save(tmp_path / "mine.npy", axsim.multiplier("drum:k=3").table)
    with pytest.raises(SourceChangedError, match=r"mine\.npy: has changed"):
        run_task(task)
    images = axsim.load_images(tmp_path / "images.h5")
    save_images(tmp_path / "images.h5", ImageSet(images.images[::-1].copy(), images.labels), {})
    with pytest.raises(SourceChangedError, match=r"images\.h5: has changed"):
        run_task(task)
    with pytest.raises(SourceChangedError, match="the worker's axsim is not the one"):
        run_task(dataclasses.replace(task, code="0" * 64))
    assert network.layers


def test_pictures_that_are_read_in_every_run_are_watched(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "IN_MEMORY", 0)
    write_folder(tmp_path)
    (task,) = tasks_in(tmp_path, ["mitchell"])
    kept = run_task(task)

    class Changing(StreamedImages):
        pixels = axsim.load_images(tmp_path / "images.h5").images

        def read(self, numbers):
            return self.pixels[numbers]

    def streamed(source, network):
        images = axsim.load_images(tmp_path / "images.h5")
        return dataclasses.replace(images, images=Changing(len(images), images.images.shape[1:]))

    monkeypatch.setattr(ImagesSource, "read", streamed)
    sources._images.cache_clear()
    assert same_run(run_task(task)) == same_run(kept)
    Changing.pixels = Changing.pixels ^ 1
    with pytest.raises(SourceChangedError, match=r"images\.h5: has changed"):
        run_task(task)
    sources._images.cache_clear()


def test_names_are_found_from_any_folder(tmp_path, monkeypatch):
    write_folder(tmp_path)
    np.save(tmp_path / "mine.npy", axsim.multiplier("mitchell").table)
    (tmp_path / "exact").mkdir()  # a folder of that name is no multiplier
    source = MultiplierSource.of("swap(mine.npy)", tmp_path)
    assert (source.name, source.found_by) == ("swap(mine.npy)", f"swap({tmp_path}/mine.npy)")
    assert source.load().digest == axsim.multiplier(f"swap({tmp_path}/mine.npy)").digest
    assert MultiplierSource.of("exact", tmp_path).found_by == "exact"
    assert NetworkSource.of("resnet20-cifar10", tmp_path).path.endswith("cifar10_resnet20.h5")
    with pytest.raises(AxsimError, match=r"elsewhere\.h5"):
        NetworkSource.of("elsewhere.h5", tmp_path)
    with pytest.raises(AxsimError, match="closest are"):
        MultiplierSource.of("mitchel", tmp_path)


def test_images_without_labels_are_refused(tmp_path):
    write_folder(tmp_path)
    images = axsim.load_images(tmp_path / "images.h5")
    save_images(tmp_path / "images.h5", ImageSet(images.images), {})
    (task,) = tasks_in(tmp_path, ["exact"])
    with pytest.raises(AxsimError, match="labels"):
        run_task(task)
    assert isinstance(task, Task)
