"""An assignment as a file, JSON, that `axsim run --assignment` takes; it names multipliers and holds no code.

    {
      "format": "axsim-assignment", "version": 1,
      "network": "resnet20-cifar10",            its name, for people
      "network_sha256": "...",                  digest of the network, or of the one it was compensated from; optional
      "multipliers": {"mul8u_FTA": "..."},      sha256 of each product table; optional
      "layers": {"stem": "mul8u_FTA", ...},     for each layer with weights a name that `axsim.multiplier` knows
      "found": {...}                            how it was found, for people; ignored
    }

Layers that are not named run exactly. One may be written by hand: format, version and layers suffice.
"""

import json
import os
from typing import Any

from ..errors import AxsimError, FileFormatError, NetworkError
from ..files import check_readable, replacing
from ..multipliers.catalog import multiplier
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from .assign import Assigned

FORMAT, VERSION = "axsim-assignment", 1
LARGEST = 16 * 2**20  # bytes
KNOWN = ("format", "version", "network", "network_sha256", "multipliers", "layers", "found")


def save_assignment(assigned: Assigned, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write the assignment, under a temporary name first; AxsimError where it cannot be written, or exists."""
    network, layers = assigned.problem.network, assigned.problem.named(assigned.chosen.choice)
    judged, chosen = assigned.chosen, assigned.found.chosen
    content = {
        "format": FORMAT,
        "version": VERSION,
        "network": network.name,
        "network_sha256": network.digest,
        "multipliers": {name: assigned.problem.multipliers[name].digest for name in sorted(set(layers.values()))},
        "layers": layers,
        "found": {
            "budget": str(assigned.budget),
            "energy": judged.energy,
            "cost": assigned.problem.cost_of,
            "compensated": assigned.network.bound_to is not None,
            "calibration": {"images": chosen.images, "lost_points": 100 * chosen.lost, "damage_nats": chosen.damage},
            "held_out": {"images": judged.images, "lost_points": 100 * judged.lost, "damage_nats": judged.damage},
        },
    }
    with replacing(path, overwrite) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_assignment(path: str | os.PathLike[str], network: Network) -> dict[str, Multiplier]:
    """
    Read an assignment for this network, as `axsim.run` takes it: the multiplier of each layer named.

    Raises
    ------
    FileFormatError
        If it is no file of this format, or breaks a rule of it.
    NetworkError
        If it is of another network, or names a layer that this one does not have.
    MultiplierError
        If a multiplier is not known, or its table is another than the one assigned.
    """
    content = _read(path)
    names = content["layers"]
    layers = [node.name for node in network.layers]
    unknown = [name for name in names if name not in layers]
    if unknown:
        raise NetworkError(
            f"{path}: layers must be of {network.name} ({', '.join(layers)}), got {unknown[0]!r}; the assignment is "
            f"of {content.get('network', 'an unnamed network')}"
        )
    digest = content.get("network_sha256")
    if digest is not None and digest not in (network.digest, network.about.get("compensated_from_sha256")):
        raise NetworkError(
            f"{path}: is an assignment of {content.get('network', 'another network')} ({digest[:12]}), got "
            f"{network.name} ({network.digest[:12]}); remove network_sha256 from the file to use it all the same"
        )
    found = {name: multiplier(name) for name in dict.fromkeys(names.values())}
    for name, digest in content.get("multipliers", {}).items():
        if name in found and found[name].digest != digest:
            raise FileFormatError(
                f"{path}: {name} had another product table ({digest[:12]}) than it has now "
                f"({found[name].digest[:12]}); assign again, or remove it from multipliers"
            )
    return {layer: found[name] for layer, name in names.items()}


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    check_readable(path, FileFormatError, "axsim assign writes one")
    try:
        if os.path.getsize(path) > LARGEST:
            raise FileFormatError(f"{path}: must be at most {LARGEST} bytes, got {os.path.getsize(path)}")
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileFormatError:
        raise
    except (ValueError, RecursionError):
        raise FileFormatError(f"{path}: is no assignment: JSON with format, version and layers") from None
    except OSError as error:
        raise AxsimError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileFormatError(f'{path}: is no assignment: "format" must be "{FORMAT}"')
    if content.get("version") != VERSION:
        raise FileFormatError(f"{path}: version must be {VERSION}, got {content.get('version')!r}")
    strange = [key for key in content if key not in KNOWN]
    if strange:
        raise FileFormatError(f"{path}: must have only {', '.join(KNOWN)}, got {strange[0]!r}")
    for key in ("layers", "multipliers"):
        table = content.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise FileFormatError(f"{path}: {key} must be an object of texts, got {str(table)[:60]}")
    for key in ("network", "network_sha256"):
        if not isinstance(content.get(key, ""), str):
            raise FileFormatError(f"{path}: {key} must be a text, got {content[key]!r}")
    if not content.get("layers"):
        raise FileFormatError(f"{path}: layers must name at least one, got none")
    return content
