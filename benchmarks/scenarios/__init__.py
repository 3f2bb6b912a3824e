"""How queries arrive: the four scenarios of MLPerf Inference, by their names.

Reddi et al. 2020, "MLPerf Inference Benchmark", ISCA, section III, and the rules of MLCommons
("MLPerf Inference Rules", scenarios; multi-stream in its form since v2.0). One model answers one
input at a time, with its threads inside; that is how `edge-run` works.
"""
