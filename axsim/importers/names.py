"""Names of nodes and networks from those that a model bears."""

from ..networks.network import INPUT, printable
from ..networks.nodes import OPERATORS, WeightLayer
from .float_graph import FloatGraph


def node_names(graph: FloatGraph) -> list[str]:
    """
    Readable, unique node names from the model's own.

    Exporters write scopes as paths, each part repeating the one before: '/body/body.0/c1/Conv' becomes 'body.0.c1'.
    """
    names: list[str] = []
    for index, node in enumerate(graph.nodes):
        parts: list[str] = []
        for part in printable(node.label).strip("/").split("/"):
            if parts and part.startswith(parts[-1] + "."):
                parts.pop()
            parts.append(part)
        if len(parts) > 1 and issubclass(OPERATORS[node.op], WeightLayer):
            parts.pop()  # the operator's type: a layer's scope says enough
        name = ".".join(parts) or f"{index:03d}_{node.op}"
        while name in (*names, INPUT):
            name = f"{name}_{index:03d}"
        names.append(name)
    return names
