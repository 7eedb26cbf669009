"""Which multiplier in which layer: predicted damages and costs, an exact knapsack, and few bit-exact runs."""
