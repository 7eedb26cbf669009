"""The multiplier families: bit for bit against slow models of their definitions, and their figures against print."""
