"""Networks: a quantized network, its nodes, file, preprocessing and rounding rules, and those that ship."""
