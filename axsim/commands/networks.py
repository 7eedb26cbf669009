"""List the networks that ship with axsim."""

import argparse
import hashlib
from typing import Any

from ..text import text_table
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: none."""


def run(given: argparse.Namespace) -> Result:
    """List name, size, accuracy, origin and licence of each."""
    from ..networks.network_file import load
    from ..networks.shipped import NETWORKS, shipped

    rows, lines, data = [], [], []
    for each in NETWORKS.values():
        network = load(each.path)
        about = network.about
        record: dict[str, Any] = {
            "name": each.name,
            "title": network.name,
            "scheme": network.scheme,
            "input_shape": network.input_shape,
            "layers": len(network.layers),
            "weights": network.weights,
            "classes": network.classes,
            "float_top1": each.float_top1,
            "int8_top1": each.int8_top1,
            "measured_on": each.measured_on,
            "licence": about.get("licence"),
            "origin": about.get("origin"),
            "source": about.get("source"),
            "source_sha256": about.get("source_sha256"),
            "preprocessing": str(network.preprocessing),
            "path": str(each.path),
            "sha256": hashlib.sha256(each.path.read_bytes()).hexdigest(),
            "images": str(shipped(each.images)),
        }
        data.append(record)
        size = " x ".join(map(str, network.input_shape[1:]))
        figures = [f"{record['weights']:,}", f"{each.float_top1:.2f} %", f"{each.int8_top1:.2f} %"]
        rows.append([each.name, size, str(network.classes), network.scheme, *figures])
        lines += [
            "",
            f"{each.name}: {network.name}",
            f"  origin    {record['origin'] or 'see weights/README.md'}",
            f"  licence   {record['licence']}",
            f"  accuracy  top-1 on {each.measured_on}",
            f"  input     {network.preprocessing}",
            f"  file      {each.path}",
            f"  sha256    {record['sha256']}",
            f"  from      {record['source']}, sha256 {record['source_sha256']}",
            f"  images    {record['images']}",
        ]
    head = ["name", "input", "classes", "scheme", "weights", "float top-1", "int8 top-1"]
    text = text_table(head, rows, right_from=4) + "\n" + "\n".join(lines)
    return Result(text + "\n\nThe names may be given wherever a network file is expected.", data)
