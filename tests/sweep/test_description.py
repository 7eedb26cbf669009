"""A sweep's description: what it stands for, and every mistake in it, all at once, each with its line."""

import importlib.resources
import re
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network_of, random_images
from sweeps import write_folder

import axsim
from axsim.errors import AxsimError, MistakesError
from axsim.images import ImageSet, save_images
from axsim.multipliers.members import BrokenRule, families
from axsim.sweep.description import plan, read
from axsim.sweep.description.lines import lines
from axsim.sweep.description.multipliers import found

HEAD = 'multipliers = ["exact", "drum:k=3..5"]\n[[networks]]\nfile = "network.h5"\n'
IMAGES = '[[networks.images]]\npath = "images.h5"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    write_folder(folder)
    return folder


def planned(folder, text):
    (folder / "s.toml").write_text(text, encoding="utf-8")
    return plan(read(folder / "s.toml"))


def mistakes(folder, text):
    with pytest.raises(MistakesError) as raised:
        planned(folder, text)
    prefix = f"{folder}/s.toml, line "
    assert all(each.startswith(prefix) for each in raised.value.mistakes)
    return [each.removeprefix(prefix) for each in raised.value.mistakes]


def test_every_combination_once(folder):
    text = HEAD + 'layers = ["all", "each", ["0_conv", "logits"]]\n' + IMAGES + IMAGES + "limit = 3\n"
    text += "[[injections]]\nmean = [-1, 0, 2]\nstd = [0, 5]\nseeds = [7, 8]\n"
    made = planned(folder, text)
    names = [layer.name for layer in axsim.load(folder / "network.h5").layers]
    sets = 2 + len(names)
    tasks = list(made.tasks())
    assert len(tasks) == len(made) == 2 * sets * (4 + 12)
    assert len({(task.key, task.layers_name) for task in tasks}) == len(tasks)
    by_multiplier = [task for task in tasks if task.injected is None]
    assert {task.multipliers[0].name for task in by_multiplier} == {"exact", "drum:k=3", "drum:k=4", "drum:k=5"}
    assert {task.layers_name: task.layers for task in by_multiplier} == {
        "all": tuple(names), "0_conv, logits": ("0_conv", "logits"), **{name: (name,) for name in names},
    }  # fmt: skip
    assert {task.images.limit for task in tasks} == {None, 3}
    errors = {(task.injected.mean, task.injected.std, task.injected.seed) for task in tasks if task.injected}
    assert errors == {(float(mean), float(std), seed) for mean in (-1, 0, 2) for std in (0, 5) for seed in (7, 8)}


def test_the_example_is_right():
    path = importlib.resources.files("axsim.sweep.description") / "example.toml"
    made = plan(read(path))
    assert len(made) == 22
    assert [each.name for each in made.parts[0].multipliers][:3] == ["exact", "mitchell", "drum:k=3"]


def test_all_mistakes_at_once_each_with_its_line(folder):
    text = """multipliers = ["exakt", "drum:k=1..6",
    "mul8s_*", "none/*.h5"]
[[networks]]
file = "network.h5"
layers = ["all", ["0_conv", "stm"]]
[[networks.images]]
path = "none.h5"
limit = 0
[[networks.images]]
path = "images.h5"
fit = "crp"
[[networks]]
file = "nope.h5"
[[networks]]
[[injections]]
mean = [1, "a", 1e9]
std = -1
tabel = "mitchell"
[[injections]]
table = "mitchel"
"""
    wanted = [
        r"1: .*closest are exact.*'exakt'|1: .*got 'exakt'; the closest are exact",
        r"1: 'drum:k=1': k must be 2\.\.8",
        r"2: 'none/\*\.h5' stands for no multiplier",
        r"5: layers must be of the network \(0_conv, .*got 'stm'",
        r"7: .*none\.h5: no such file",
        r"8: limit must be a whole number of 1 or more, got 0",
        r"11: fit must be one of crop, short_side, squash, got 'crp'",
        r"13: .*nope\.h5: no such file",
        r"14: file is missing",
        r"16: mean must be numbers, got 'a'",
        r"16: mean must be a number from -1e6 to 1e6, got 1000000000\.0",
        r"17: std must be a number from 0 to 1e6, got -1\.0",
        r"18: unknown key tabel, .*did you mean table\?",
        r"20: .*got 'mitchel'; the closest are mitchell",
    ]
    came = mistakes(folder, text)
    assert len(came) == len(wanted)
    for pattern in wanted:
        assert any(re.match(pattern, each) for each in came), pattern
    assert [int(each.split(":")[0]) for each in came] == sorted(int(each.split(":")[0]) for each in came)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "1: there are no networks"),
        ("multipliers = []\n" + HEAD.split("\n", 1)[1] + IMAGES, "1: multipliers must be names of multipliers, at lea"),
        (HEAD.split("\n", 1)[1] + IMAGES, "1: there is nothing to run"),
        ("networks = 3\n", "1: networks must be tables, \\[\\[networks\\]\\], got 3"),
        (HEAD, "2: network.h5: has no images: add \\[\\[networks.images\\]\\]"),
        (HEAD + "layers = []\n" + IMAGES, "4: layers must be"),
        (HEAD + "layers = [[]]\n" + IMAGES, "4: layers must be"),
        (HEAD + IMAGES + "skip_corrupt = 1\n", "6: skip_corrupt must be true or false, got 1"),
        (HEAD + IMAGES + "crop = 0\n", "6: crop must be a number above 0 and up to 1, got 0"),
        (HEAD + IMAGES + "label_offset = 3000\n", "5: labels must be classes"),
        (HEAD + IMAGES + "[[injections]]\nseeds = [-1]\n", "7: seeds must be whole numbers from 0 to"),
        (HEAD + IMAGES + "[[injections]]\nmean = 2020-01-01\n", "7: mean must be numbers"),
        (HEAD.replace("3..5", "5..3") + IMAGES, "1: .*a range must go from its least to its greatest, got 5..3"),
        (HEAD.replace("3..5", "3..999999999") + IMAGES, "1: .*must stand for at most 100000 multipliers"),
        (HEAD.replace("drum:k=3..5", "zzz*") + IMAGES, "1: 'zzz\\*' stands for no multiplier: nothing matches it"),
    ],
)
def test_mistakes(folder, text, mistake):
    assert any(re.match(mistake, each) for each in mistakes(folder, text)), mistakes(folder, text)


def test_what_is_no_toml(folder):
    (folder / "s.toml").write_text("a = [1,\nb = 2\n")
    with pytest.raises(MistakesError, match=r"s\.toml: is no TOML: .*line 2"):
        read(folder / "s.toml")
    (folder / "s.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(MistakesError, match="is no text in UTF-8"):
        read(folder / "s.toml")
    with pytest.raises(AxsimError, match="--new FILE"):
        read(folder / "none.toml")


def test_a_multiplier_that_was_named_must_serve_and_one_of_a_pattern_need_not(folder):
    (tmp := folder / "affine").mkdir(exist_ok=True)
    network = network_of(["conv"], 3, "affine", (4, 8, 8))
    network.save(tmp / "network.h5")
    save_images(tmp / "images.h5", ImageSet(random_images(network, 4), np.zeros(4, np.int64)), {})
    text = HEAD.replace('"exact"', '"mul8s_1KVL"') + IMAGES
    assert any(re.match("1: .*mul8s_1KVL multiplies s8 by s8 and cannot serve", each) for each in mistakes(tmp, text))
    came = mistakes(tmp, HEAD.replace('"exact"', '"mul8s_1K*"') + IMAGES)
    assert any("matches nothing that serves" in each for each in came)
    made = planned(tmp, HEAD.replace('"exact"', '"mul8*"') + IMAGES)
    assert {each.name[:5] for each in made.parts[0].multipliers} == {"mul8u", "drum:"}


def test_layers_without_weights_take_no_injected_errors(tmp_path):
    network = network_of(["conv", "matmul"], 3, "symmetric", (4, 8, 8))
    network.save(tmp_path / "network.h5")
    save_images(tmp_path / "images.h5", ImageSet(random_images(network, 4), np.zeros(4, np.int64)), {})
    names = [layer.name for layer in network.layers]
    weighted = [layer.name for layer in network.weight_layers]
    (product,) = set(names) - set(weighted)
    errors = "[[injections]]\nstd = 3\n"
    made = planned(tmp_path, HEAD + 'layers = ["all", "each"]\n' + IMAGES + errors)
    assert [task.layers for task in made.tasks() if task.injected] == [tuple(weighted), *((name,) for name in weighted)]
    assert len(list(made.tasks())) == len(made)
    came = mistakes(tmp_path, HEAD + f'layers = [["{product}"]]\n' + IMAGES + errors)
    assert any(re.match(f"4: layers must have weights where errors are injected, and {product}", each) for each in came)


def test_a_compensated_network_takes_its_own_multiplier_only(folder, tmp_path):
    network = write_folder(tmp_path)
    images = axsim.load_images(tmp_path / "images.h5")
    own = axsim.multiplier("mitchell")
    axsim.compensate(network, own, axsim.gather_statistics(network, images.images)).save(tmp_path / "network.h5")
    assert len(planned(tmp_path, HEAD.replace('"exact", "drum:k=3..5"', '"mitchell"') + IMAGES)) == 1
    assert any("was compensated for mitchell" in each for each in mistakes(tmp_path, HEAD + IMAGES))
    text = HEAD.replace('"exact", "drum:k=3..5"', '"mitchell"') + IMAGES + "[[injections]]\nstd = 3\n"
    assert any("errors are injected into exact" in each for each in mistakes(tmp_path, text))


def test_names_that_stand_for_many(tmp_path):
    names, left_out = found("broken_array:h=0..2,v=3..4", tmp_path)
    assert [each.name for each in names] == [f"broken_array:h={h},v={v}" for h in range(3) for v in (3, 4)]
    assert left_out == []
    assert [each.name for each in found("swap(drum:k=3..4)", tmp_path)[0]] == ["swap(drum:k=3)", "swap(drum:k=4)"]
    for name in ("b.npy", "a.npy"):
        np.save(tmp_path / name, axsim.multiplier("mitchell").table)
    assert [each.name for each in found("*.npy", tmp_path)[0]] == ["a.npy", "b.npy"]
    assert found("a.npy", tmp_path)[0][0].found_by == str(tmp_path / "a.npy")


def test_combinations_that_break_a_rule_are_left_out_and_said(tmp_path):
    names, left_out = found("ssm:m=4..5", tmp_path)
    assert names and not left_out
    family = next(family for family in families().values() if family.rules)
    ranges = ",".join(f"{each.name}={each.low}..{each.high(8)}" for each in family.parameters)
    names, left_out = found(f"{family.name}:{ranges}", tmp_path)
    assert names and left_out
    assert all("needs" in each for each in left_out)
    broken = left_out[0].split("'")[1]
    with pytest.raises(BrokenRule):
        found(broken, tmp_path)


KEYS = st.text("abc-_09", min_size=1, max_size=4)
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text("ab#[]{}=,.'\"\\\n é", max_size=6), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def written(value, rows, place, text, line):
    """Write a value as TOML, lists over several lines, and note where each element stands."""
    rows[place] = line
    if isinstance(value, bool):
        return text + str(value).lower(), line
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{text}"{escaped}"', line
    if isinstance(value, list):
        text += "["
        for number, each in enumerate(value):
            text, line = text + " # a comment, with ] and [\n", line + 1
            text, line = written(each, rows, (*place, number), text, line)
            text += ","
        return text + "]", line
    if isinstance(value, dict):
        text += "{"
        for number, (key, each) in enumerate(value.items()):
            rows[(*place, key)] = line
            text, line = written(each, rows, (*place, key), text + (", " if number else " ") + f"{key} = ", line)
        return text + "}", line
    return text + repr(value), line


@settings(deadline=None, max_examples=200)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
def test_the_line_of_every_key_and_element(tables, top):
    top = {key: value for key, value in top.items() if key != "t"}
    text, line, wanted = "# head\n", 2, {}
    for key, value in top.items():
        text, line = written(value, wanted, (key,), f"{text}{key} = ", line)
        text, line = text + "\n", line + 1
    for number, table in enumerate(tables):
        wanted[("t", number)] = line
        wanted.setdefault(("t",), line)
        text, line = text + "[[t]]\n", line + 1
        for key, value in table.items():
            text, line = written(value, wanted, ("t", number, key), f"{text}{key} = ", line)
            text, line = text + "\n", line + 1
    assert tomllib.loads(text) == top | ({"t": tables} if tables else {})
    assert lines(text) == wanted
