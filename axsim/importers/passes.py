"""All passes on a float graph, in their order."""

from .float_graph import (
    FloatGraph,
    drop_final_softmax,
    fold_batch_norm,
    fold_bias,
    fold_clips,
    remove_identities,
    remove_unused,
)
from .token_passes import align_softmax, fold_scales, fuse_gelu, merge_rearrangements


def simplify(graph: FloatGraph) -> None:
    """Run all passes, in place."""
    remove_identities(graph)
    fuse_gelu(graph)
    drop_final_softmax(graph)
    align_softmax(graph)
    fold_scales(graph)
    fold_bias(graph)
    fold_batch_norm(graph)
    fold_clips(graph)
    merge_rearrangements(graph)
    remove_unused(graph)
