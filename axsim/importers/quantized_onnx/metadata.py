"""What axsim writes into an ONNX model because ONNX has no place for it: preprocessing, class names, origin."""

import dataclasses
import json
from typing import Any

from ...errors import ConversionError, NetworkError
from ...networks.network import Network
from ...networks.preprocessing import Preprocessing

ENTRY = "axsim"  # name of the entry among the model's metadata


@dataclasses.dataclass(frozen=True)
class Metadata:
    """The part of a network that is no arithmetic."""

    name: str
    rounding: str
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    about: dict[str, str]


def written(network: Network) -> dict[str, str]:
    """Return the entries for a model's metadata."""
    return {
        ENTRY: json.dumps(
            {
                "name": network.name,
                "rounding": network.rounding,
                "preprocessing": dataclasses.asdict(network.preprocessing),
                "class_names": network.class_names,
                "about": dict(network.about),
            }
        )
    }


def read(model: Any) -> Metadata | None:
    """
    Read what `written` wrote; None for a model that another tool made.

    Raises ConversionError where the entry is not as axsim writes it.
    """
    entry = next((each.value for each in model.metadata_props if each.key == ENTRY), None)
    if entry is None:
        return None
    try:
        found = json.loads(entry)
        recipe = found["preprocessing"]
        return Metadata(
            str(found["name"]),
            str(found["rounding"]),
            Preprocessing(
                float(recipe["pixel_scale"]),
                _numbers(recipe["mean"]),
                _numbers(recipe["std"]),
                recipe["fit"],
                float(recipe["crop"]),
                recipe["interpolation"],
            ),
            tuple(str(name) for name in found["class_names"]),
            {str(key): str(value) for key, value in dict(found["about"]).items()},
        )
    except (KeyError, TypeError, ValueError, NetworkError) as error:
        raise ConversionError(
            f"metadata {ENTRY!r} must be as axsim writes it, got {entry[:40]!r} ({type(error).__name__}); "
            "remove the entry or export the network again"
        ) from None


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
