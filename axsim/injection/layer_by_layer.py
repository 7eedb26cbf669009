"""The errors that a multiplier makes of a network, predicted layer by layer behind the layers already disturbed.

Predictions from an exact run's statistics take each layer alone. But a heavy multiplier changes what the next layer is
given, and so that layer's error. Here a few images go through the network once, and each layer's error is predicted
from the histograms of the inputs that *this* run gives it, where the layers before have taken their predicted errors.
The multiplier itself is not run, labels are not used; products are exact, and to each sum come a line at every tap and
independent noise (equation (6) of `axsim/predict/lines.py`). Layers may be named in which it is run after all: what
the prediction gains by that, it lacked there. That is most in layers of few taps, the depthwise ones: a sum of nine
errors is a function of nine activations that neighbouring pixels share, not noise of its own for each of them.

To run images with these errors costs a matrix product for each byte of the slopes beside the exact one, and the drawing
of the noise: several times what it takes to simulate the multiplier. It does not replace
the simulation: it says how much of the loss the first two moments at each tap explain. What the moment model says
without running anything is in `axsim/predict/levels.py`.
"""

from collections.abc import Iterable

from ..errors import AxsimError
from ..images import Pixels
from ..inference.engine import check_images, forward
from ..inference.prepared import LayerInput, Multiplying, PreparedLayer, Sums, prepare
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import Network, check_network
from ..predict import TapLines, tap_lines
from .run import Injector, check_seed


def lines_layer_by_layer(
    network: Network, multiplier: Multiplier, images: Pixels, *, seed: int = 0, simulated: Iterable[str] = ()
) -> dict[str, TapLines | Multiplier]:
    """
    Predict the error of every layer with weights, each behind the predicted errors of those before it.

    Parameters
    ----------
    network : Network
    multiplier : Multiplier
        For all layers with weights; products of two activations stay exact.
    images : uint8 [N, H, W, C]
        A few dozen, all in memory at once with one layer's columns; best not those that the errors are injected on.
    seed : int
        Of the noise, from 0 to 2^64 - 1, as for `axsim.inject`.
    simulated : names of layers
        With weights, that run through the multiplier bit for bit instead.

    Returns
    -------
    dict of str to TapLines, or to the multiplier for layers simulated
        To be given to `axsim.inject`.

    Raises
    ------
    ImageError
        If the images do not fit the network.
    MultiplierError
        If the multiplier cannot serve a layer.
    AxsimError
        If the seed is out of range, `simulated` names what is no layer with weights, or a sum of the multiplier's
        products could leave int32.
    """
    check_network(network)
    check_multiplier(multiplier)
    check_images(network, images)
    check_seed(seed)
    numbers = {layer.name: number for number, layer in enumerate(network.weight_layers)}
    through = dict.fromkeys(simulated, multiplier)
    unknown = [name for name in through if name not in numbers]
    if unknown:
        raise AxsimError(f"simulated must name layers with weights ({', '.join(numbers)}), got {unknown[0]!r}")
    # Preparing for the multiplier checks that it serves every layer and that no sum leaves int32.
    prepare(network, {layer.name: multiplier if layer.name in numbers else None for layer in network.layers})
    layers = prepare(network, {layer.name: through.get(layer.name) for layer in network.layers})
    found: dict[str, TapLines | Multiplier] = dict(through)

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        name, sums = layer.node.name, layer.sums(given, layer.served)
        if isinstance(layer, PreparedLayer) and name not in through:
            statistics = layer.statistics()
            statistics.add(given.columns)
            lines = found[name] = tap_lines(statistics, multiplier)
            Injector(layer, lines, numbers[name], seed).add(sums, given)
        return sums

    for _ in forward(network, layers, images, accumulate, len(images)):
        pass
    return found
