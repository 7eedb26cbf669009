"""Multipliers drawn at random from those that serve a network, the same in every benchmark that draws by this rule."""

import random

from axsim.commands.study import serving


def drawn(network, count=None):
    """Names of `count` multipliers (of all), by `random.Random(1).sample` from the sorted names."""
    known = sorted(each.name for each in serving(network))
    return random.Random(1).sample(known, count or len(known))
