"""Sweeps: many runs - networks, multipliers, layers, injected errors, images - on many workers, their results kept.

In the order in which data flows:

sources      networks, images and multipliers by path and digest; loaded once in each process
tasks        one run: what it is of, its key, and the function that does it anywhere
store        finished runs, in one SQLite file
driver       feeds tasks to any `concurrent.futures.Executor` and keeps what comes back
workers/     such executors: processes on this machine, or a Dask cluster
description/ the TOML file that says which runs; checked whole before anything runs
results      finished runs for reading: filtered, as CSV, as Parquet, as a pandas frame

This file imports nothing: a worker process sets its number of threads before it imports Numba.
"""
