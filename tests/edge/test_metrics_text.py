"""Prometheus text is read back by a parser written from the format's description."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metrics_text import MetricFamily, MetricSample, metrics_text

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def parse(text):
    """Families by name: kind, help, and samples of labels and value; refuses what is no such."""
    families = {}
    kind = None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            assert name not in families, "a family comes in one group"
            families[name] = {"help": unescape(words), "samples": []}
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert kind in {"counter", "gauge"}
            assert not families[name]["samples"], "the type comes before the samples"
            families[name]["kind"] = kind
        else:
            found = _SAMPLE.fullmatch(line)
            assert found, line
            labels = read_labels(found[2] or "")
            families[found[1]]["samples"].append((labels, float(found[3])))
    return families


def read_labels(text):
    labels = {}
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found, text
        assert found[1] not in labels
        labels[found[1]] = unescape(found[2])
        at = found.end()
    return labels


def unescape(text):
    return re.sub(r'\\[\\"n]', lambda found: _ESCAPES[found[0]], text)


@given(
    words=st.text(),
    samples=st.lists(
        st.tuples(
            st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), max_size=3),
            st.floats(),
        ),
        min_size=1,
    ),
)
def test_whatever_help_labels_and_values_hold_is_read_back(words, samples):
    family = MetricFamily(
        "a_name", "gauge", words, tuple(MetricSample(value, labels) for labels, value in samples)
    )
    found = parse(metrics_text([family]))["a_name"]
    assert found["help"] == words
    assert [labels for labels, _ in found["samples"]] == [labels for labels, _ in samples]
    for (_, seen), (_, value) in zip(found["samples"], samples, strict=True):
        assert seen == value or (math.isnan(seen) and math.isnan(value))


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (1, "1")]
)
def test_numbers_are_written_as_prometheus_writes_them(value, text):
    family = MetricFamily("a", "gauge", "b", (MetricSample(value),))
    assert metrics_text([family]) == f"# HELP a b\n# TYPE a gauge\na {text}\n"


def test_a_family_without_samples_is_left_out():
    empty = MetricFamily("a", "gauge", "b", ())
    full = MetricFamily("c", "counter", "d", (MetricSample(2.5),))
    assert list(parse(metrics_text([empty, full]))) == ["c"]
