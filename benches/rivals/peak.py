"""Prints GFLOP/s of a large matrix product on one core, the median of 20: what the processor does at its best."""

import statistics
import time

import torch

torch.set_num_threads(1)
SIDE = 1024
a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
rates = []
for _ in range(20):
    begin = time.perf_counter()
    torch.mm(a, b)
    rates.append(2 * SIDE**3 / (time.perf_counter() - begin) / 1e9)
print(statistics.median(rates))
