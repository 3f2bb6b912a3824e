"""What each kind of operator of a TFLite file costs, run apart."""

from benchmarks.peers.engines.bundle_models import BUNDLES
from benchmarks.peers.engines.operator_cost import operator_costs
from edge.bundle.reader import open_bundle


def test_every_operator_of_a_file_is_in_one_kind(tmp_path) -> None:
    with open_bundle(BUNDLES["chest_xray"].bundle) as bundle:
        (tmp_path / "model.tflite").write_bytes(bundle.read("model.int8.tflite"))
    whole, *parts = operator_costs(tmp_path / "model.tflite")
    assert whole.kind == "all"
    assert sum(each.count for each in parts) == whole.count
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= {each.kind for each in parts}
    assert all(each.milliseconds is None or each.milliseconds > 0 for each in (whole, *parts))
