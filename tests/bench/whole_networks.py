"""Images a second of whole networks, side by side with ONNX Runtime's int8 of the same float model.

Run from the checkout: python tests/bench/whole_networks.py [--only NAME] [--images N]. Needs the test-data folder
(shared_data.py) and onnxruntime. One row a network and contender; with one thread both are timed by the CPU time of
the process, which other processes on the machine disturb little. Then the peak memory of a process that does but run
the network through a multiplier.
"""

import argparse
import functools
import pathlib
import subprocess
import sys
import tempfile
import time

import numba
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from shared_data import FOLDER

import axsim
from axsim.bench import machine, random_table
from axsim.networks.preprocessing import Preprocessing

NETWORKS = {  # file, input size, mean, std, pixel scale
    "ResNet-20": ("cifar10_resnet20_own_fp32.onnx", 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), 255.0),
    "EfficientNet-Lite0": ("efficientnet_lite0_fp32.onnx", 224, (127.0,) * 3, (128.0,) * 3, 1.0),
    "MobileNetV2": ("mobilenet_v2_1.0_224_fp32.onnx", 224, (1.0,) * 3, (1.0,) * 3, 127.5),
}
MULTIPLIERS = ("drum:k=4", "mitchell", "random 16-bit")


def quantized_by_onnxruntime(path, images, recipe, target):
    """ONNX Runtime's own static int8 quantization of the model (QDQ, u8 activations, s8 weights per channel)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    from axsim.conversion.calibrate import preprocess

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"input": preprocess(images[:4], recipe)}])

        def get_next(self):
            return next(self.batches, None)

    quantize_static(
        str(path),
        str(target),
        Reader(),
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
    )


MEMORY = """
import sys
import numpy as np, axsim
network = axsim.load(sys.argv[1])
images = np.zeros((int(sys.argv[2]), *network.input_shape[1:], network.input_shape[0]), np.uint8)
axsim.run(network, images, axsim.multiplier("mitchell"), batch_size=8)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_memory(network, images):
    """MiB that a new process takes at most (Linux: its largest resident set) to run so many images, eight a batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "network.h5"
        network.save(path)
        command = [sys.executable, "-c", MEMORY, str(path), str(images)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    import onnxruntime

    from axsim.conversion.calibrate import preprocess

    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8, help="of ONNX Runtime; axsim chooses its own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a network's name")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, numba.config.NUMBA_NUM_THREADS))
    given = parser.parse_args()
    print(machine())
    rng = np.random.default_rng(0)
    print(f"{'network':20} {'threads':>7} {'contender':24} {'images/s':>9} {'of ONNX Runtime':>16}")
    for name, (file, size, mean, std, scale) in NETWORKS.items():
        if given.only not in name:
            continue
        path = FOLDER / "models" / file
        count = given.images * (8 if size == 32 else 1)
        images = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
        recipe = Preprocessing(scale, mean, std)
        network = axsim.convert(path, axsim.ImageSet(images[:8]), recipe)
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "int8.onnx"
            quantized_by_onnxruntime(path, images, recipe, target)
            for threads in given.threads:
                numba.set_num_threads(threads)
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = threads
                # Its threads would go on turning on the cores that axsim is timed on next.
                options.add_session_config_entry("session.force_spinning_stop", "1")
                session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
                real = preprocess(images, recipe)

                def outside(session=session, real=real):
                    for start in range(0, len(real), given.batch):
                        session.run(None, {"input": real[start : start + given.batch]})

                contenders = {
                    "ONNX Runtime int8": outside,
                    "axsim exact": functools.partial(axsim.run, network, images),
                }
                for each in MULTIPLIERS:
                    multiplier = random_table() if each == "random 16-bit" else axsim.multiplier(each)
                    contenders[f"axsim {each}"] = functools.partial(axsim.run, network, images, multiplier)
                best = {}
                clock = time.process_time if threads == 1 else time.perf_counter
                for call in contenders.values():
                    call()  # compile, and fill the caches
                for _ in range(given.rounds):
                    for contender, call in contenders.items():
                        start = clock()
                        call()
                        best[contender] = min(best.get(contender, 1e9), clock() - start)
                for contender, seconds in best.items():
                    ratio = best["ONNX Runtime int8"] / seconds
                    print(f"{name:20} {threads:>7} {contender:24} {len(images) / seconds:9.1f} {ratio:16.2f}")
        few, many = (peak_memory(network, count) for count in (8, 32))
        print(f"{name}: peak memory {few} MiB with 8 images, {many} MiB with 32")


if __name__ == "__main__":
    main()
