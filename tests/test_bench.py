"""The benchmark runs, compares what it says it compares, and explains plans; speed itself is no test."""

import json

import numba
import numpy as np
import pytest

from axsim.bench import OUTSIDE, TABLES, WORKLOADS, Workload, bench, contenders_of, machine
from axsim.cli import main
from axsim.errors import AxsimError
from axsim.inference.tier import tier

needs_vectors = pytest.mark.skipif(tier() == "portable", reason="this tier has no byte planes")

SMALL = (
    Workload("small 3x3", 8, 4, 3, size=6, batch=2),
    Workload("small depthwise", 6, 6, 3, 2, size=7, groups=6),
    Workload("small product", 5, 30, batch=9),
)


def test_every_contender_is_timed():
    timings = bench(SMALL, (1,), 0.001)
    for workload in SMALL:
        named = {each.contender for each in timings if each.workload == workload.name}
        assert named >= {*TABLES, "random 16-bit, portable tier", "exact, portable tier", OUTSIDE}
    assert all(each.best >= each.median > 0 and each.rounds >= 3 for each in timings)


@pytest.mark.parametrize("workload", SMALL, ids=lambda each: each.name)
def test_contenders_of_one_table_compute_the_same(workload):
    calls = {name: call for name, (call, _) in contenders_of(workload, 1)}
    for name in ("exact", "random 16-bit"):
        assert np.array_equal(calls[name](), calls[f"{name}, portable tier"]())
    assert calls["exact"]().shape == (workload.product[0], workload.product[2])


def test_onnx_runtime_computes_the_same_product():
    calls = {name: call for name, (call, _) in contenders_of(SMALL[2], 1)}
    assert np.array_equal(calls[OUTSIDE]()[0].T, calls["exact"]())


def test_shapes_are_those_of_the_layers_they_are_named_after():
    shapes = {workload.name: workload.product for workload in WORKLOADS}
    assert shapes["ResNet-50 3x3 64, 56x56, batch 8"] == (64, 576, 8 * 56 * 56)
    assert shapes["MobileNetV2 depthwise 3x3 96, 112x112"] == (96, 9, 112 * 112)
    assert shapes["transformer MLP 768-3072, 197 tokens"] == (3072, 768, 197)
    assert shapes["classifier 1280-1000"] == (1000, 1280, 1)


def test_threads_are_restored():
    before = numba.get_num_threads()
    bench(SMALL[:1], (1,), 0.001)
    assert numba.get_num_threads() == before


def test_too_many_threads():
    with pytest.raises(AxsimError, match="threads must be from 1 to"):
        bench(SMALL, (10_000,))


def test_the_machine_is_named():
    assert set(machine()) == {"cpu", "cores", "features", "tier", "numba", "numpy"}


def test_command(capsys):
    assert main(["bench", "--only", "classifier", "--threads", "1", "--seconds", "0.001", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["machine"]["tier"] == tier()
    assert {each["workload"] for each in data["timings"]} == {"classifier 1280-1000"}


def test_command_explains_a_plan(capsys):
    assert main(["bench", "--explain", "drum:k=4"]) == 0
    assert "each operand is mapped" in capsys.readouterr().out


@needs_vectors
def test_tables_of_the_benchmark_are_multiplied_in_every_way():
    """Each bar on speed names a plan: some table must take it."""
    how = {name: plan for name, (_, plan) in contenders_of(SMALL[2], 1)}
    assert how["drum:k=4"] == "operand maps"
    assert how["broken_array:h=2,v=5,signed=1"] == "outer products"
    assert how["mul8u_2HH"] == "error plane"
    assert how["mul8u_FTA"] == how["mitchell"] == how["random 16-bit"] == "two planes"


@needs_vectors
def test_command_says_the_rank(capsys):
    assert main(["bench", "--explain", "roba"]) == 0
    assert "sum of outer products of bytes, rank 2" in capsys.readouterr().out


def test_no_such_shape(capsys):
    assert main(["bench", "--only", "nothing"]) == 2
    assert "--only must be part of the name" in capsys.readouterr().err


def test_warmup(capsys):
    assert main(["warmup"]) == 0
    assert "all kernels compiled" in capsys.readouterr().out
