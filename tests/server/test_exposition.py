import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse

from lingma_proxy.recording.histogram import BOUNDS, Histogram
from lingma_proxy.server.exposition import Family, spelled, written


def read(*families):
    return {family.name: family for family in parse(written(families))}


def test_a_counter_is_read_back():
    samples = [({"route": "chat"}, 3), ({"route": "models"}, 0.5)]
    found = read(Family("a_total", "counter", "Some.\nOf \\ them.", samples))

    assert found["a"].documentation == "Some.\nOf \\ them."
    assert found["a"].type == "counter"
    assert [(each.labels, each.value) for each in found["a"].samples] == samples


def test_a_histogram_is_read_back():
    histogram = Histogram()
    for seconds in (0.06, 1.0, 5000.0):
        histogram.add(seconds)

    [samples] = [
        it.samples for it in read(Family("t", "histogram", "", [({}, histogram)])).values()
    ]
    buckets = {each.labels["le"]: each.value for each in samples if each.name == "t_bucket"}
    rest = {each.name: each.value for each in samples if each.name != "t_bucket"}

    assert len(buckets) == len(BOUNDS) + 1
    assert (buckets["0.05"], buckets["0.1"], buckets["1"], buckets["+Inf"]) == (0, 1, 2, 3)
    assert rest == {"t_sum": 5001.06, "t_count": 3}


@given(
    st.dictionaries(
        st.sampled_from(["route", "client", "model"]), st.text(max_size=30), max_size=3
    ),
    st.text(max_size=30),
)
def test_any_labels_can_be_read_back(labels, help):
    [family] = parse(written([Family("a", "gauge", help.strip(), [(labels, 1)])]))

    [sample] = family.samples
    assert sample.labels.keys() == labels.keys()
    for name, text in labels.items():
        assert sample.labels[name] == text.encode("utf-8", "replace").decode().replace("\r", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (0.25, "0.25"), (True, "1"), (float("inf"), "+Inf"), (1e-7, "1e-07")],
)
def test_numbers_are_spelled_as_go_reads_them(value, text):
    assert spelled(value) == text
