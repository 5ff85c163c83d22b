"""The repeatability of this machine: a small network, timed many times."""

from time import perf_counter

import numpy as np
import openvino as ov

from ocrbench.graphs.nodes import ops

SIDE = 512
LAYERS = 2
WARMUP_SECONDS = 0.3


def time_blocks(blocks: int = 20, seconds: float = 3.0) -> list[float]:
    """Run matrix products on the CPU, the same number in every block.

    Returns:
        Duration of each block, in seconds.
    """
    request = _network().create_infer_request()
    image = {0: np.ones((SIDE, SIDE), dtype=np.float32)}
    start, runs = perf_counter(), 0
    while perf_counter() - start < WARMUP_SECONDS:
        request.infer(image)
        runs += 1
    per_block = max(1, round(runs * seconds / blocks / (perf_counter() - start)))
    times = []
    for _ in range(blocks):
        start = perf_counter()
        for _ in range(per_block):
            request.infer(image)
        times.append(perf_counter() - start)
    return times


def _network() -> ov.CompiledModel:
    image = ops.parameter([SIDE, SIDE], np.float32)
    weights = ops.constant(np.full((SIDE, SIDE), 1 / SIDE, dtype=np.float32))
    node = image
    for _ in range(LAYERS):
        node = ops.relu(ops.matmul(node, weights, transpose_a=False, transpose_b=False))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return ov.Core().compile_model(ov.Model([node], [image], "products"), "CPU", settings)
