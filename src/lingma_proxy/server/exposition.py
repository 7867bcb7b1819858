"""Numbers as Prometheus reads them: its text format, version 0.0.4.

    # HELP lingma_proxy_requests_total HTTP requests that are over.
    # TYPE lingma_proxy_requests_total counter
    lingma_proxy_requests_total{route="anthropic",status="200"} 12

Written by ourselves, for it is one page: the official library would have to be loaded at every
start (40 ms), and its counters know no bound on labels.  Its parser judges what we write.

Source: prometheus.io, "Exposition formats".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lingma_proxy.recording.histogram import BOUNDS, Histogram

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """A number by its labels.  The name of a counter ends in `_total`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[tuple[Labels, float | Histogram]]


def written(families: Iterable[Family]) -> str:
    return "".join(f"{line}\n" for family in families for line in lines(family))


def lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {escaped(family.help, quotes=False)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        if isinstance(value, Histogram):
            yield from buckets(family.name, labels, value)
        else:
            yield sample(family.name, labels, value)


def buckets(name: str, labels: Labels, value: Histogram) -> Iterator[str]:
    bounds = (*map(spelled, BOUNDS), "+Inf")
    for bound, count in zip(bounds, value.cumulative(), strict=True):
        yield sample(f"{name}_bucket", {**labels, "le": bound}, count)
    yield sample(f"{name}_sum", labels, value.sum)
    yield sample(f"{name}_count", labels, value.count)


def sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {spelled(value)}" if inside else f"{name} {spelled(value)}"


def escaped(text: str, *, quotes: bool = True) -> str:
    text = text.encode("utf-8", "replace").decode()
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", " ")
    return text.replace('"', '\\"') if quotes else text


def spelled(value: float) -> str:
    if not float(value).is_integer():
        return {float("inf"): "+Inf", float("-inf"): "-Inf"}.get(value, repr(value))
    return str(int(value))
