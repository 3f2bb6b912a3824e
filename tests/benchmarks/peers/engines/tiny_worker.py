"""A worker whose engine is numpy: a matrix in an .npy file, a wrong one, or one that breaks."""

import sys
import time

import numpy as np

from benchmarks.peers.engines.workers.serving import Runner, serve


def open_runner(request):
    weights = np.load(request.model)
    options = request.options
    if options.get("fails_to_load"):
        raise ValueError("an operator\nthat nobody knows")
    sys.stdout.write("engines print what they like\n")
    sys.stdout.flush()
    left = [options.get("dies_after", 10**9)]

    def infer(example):
        left[0] -= 1
        if left[0] < 0:
            sys.stderr.write("out of memory\n")
            sys.exit(3)
        if "slow_s" in options:
            time.sleep(options["slow_s"])
        return example["x"] @ weights

    return Runner("tiny 1.0", dict, infer, lambda raw: {request.outputs[0]: raw})


if __name__ == "__main__":
    serve(open_runner)
