"""The networks of published benchmarks as work, from the tables of their papers.

Only what multiplies is counted: additions and pooling ride on the convolutions of every engine
that the figures were taken with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.forecast.work import ModelWork, Operation

__all__ = ["NETWORKS", "network_work"]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A square convolution, or a matrix product where `size` is 1.

    Attributes:
        size: height and width of its output.
        read: channels in.
        written: channels out.
        kernel: height and width of the window.
        stride: of the window.
        is_depthwise: one filter a channel.
    """

    size: int
    read: int
    written: int
    kernel: int = 1
    stride: int = 1
    is_depthwise: bool = False

    def operation(self, *, is_integer: bool) -> Operation:
        item_bytes = 1 if is_integer else 4
        taps = self.kernel**2 * (1 if self.is_depthwise else self.read)
        elements = self.size**2 * self.written
        read = (self.size * self.stride) ** 2 * self.read
        return Operation(
            name=f"{self.kernel}x{self.kernel}, {self.read} to {self.written} at {self.size}",
            kind="depthwise" if self.is_depthwise else "convolution",
            is_integer=is_integer,
            multiplications=elements * taps,
            activation_bytes=(read + elements) * item_bytes,
            weight_bytes=taps * self.written * item_bytes,
            elements=elements,
        )


def _mobilenet_v1() -> Iterator[_Layer]:
    """Howard et al. 2017, table 1."""
    yield _Layer(112, 3, 32, 3, 2)
    size, read = 112, 32
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for written, stride in [*blocks, *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        size //= stride
        yield _Layer(size, read, read, 3, stride, is_depthwise=True)
        yield _Layer(size, read, written)
        read = written
    yield _Layer(1, 1024, 1000)


def _mobilenet_v2() -> Iterator[_Layer]:
    """Sandler et al. 2018, table 2."""
    yield _Layer(112, 3, 32, 3, 2)
    size, read = 112, 32
    for factor, written, repeats, first_stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for stride in (first_stride, *[1] * (repeats - 1)):
            wide = factor * read
            if factor > 1:
                yield _Layer(size, read, wide)
            size //= stride
            yield _Layer(size, wide, wide, 3, stride, is_depthwise=True)
            yield _Layer(size, wide, written)
            read = written
    yield _Layer(7, 320, 1280)
    yield _Layer(1, 1280, 1000)


def _resnet18() -> Iterator[_Layer]:
    """He et al. 2016, table 1."""
    yield _Layer(112, 3, 64, 7, 2)
    read = 64
    for written, size in ((64, 56), (128, 28), (256, 14), (512, 7)):
        for block in range(2):
            stride = 2 if block == 0 and written > 64 else 1  # noqa: PLR2004 - the first stage
            yield _Layer(size, read, written, 3, stride)
            yield _Layer(size, written, written, 3)
            if read != written:
                yield _Layer(size, read, written, 1, stride)
            read = written
    yield _Layer(1, 512, 1000)


def _resnet50() -> Iterator[_Layer]:
    """He et al. 2016, table 1, the stride in the 3 x 3 convolution as all frameworks have it."""
    yield _Layer(112, 3, 64, 7, 2)
    read = 64
    for narrow, size, blocks in ((64, 56, 3), (128, 28, 4), (256, 14, 6), (512, 7, 3)):
        for block in range(blocks):
            stride = 2 if block == 0 and narrow > 64 else 1  # noqa: PLR2004 - the first stage
            yield _Layer(size * stride, read, narrow)
            yield _Layer(size, narrow, narrow, 3, stride)
            yield _Layer(size, narrow, 4 * narrow)
            if block == 0:
                yield _Layer(size, read, 4 * narrow, 1, stride)
            read = 4 * narrow
    yield _Layer(1, 2048, 1000)


NETWORKS: dict[str, Callable[[], Iterator[_Layer]]] = {
    "MobileNet v1": _mobilenet_v1,
    "MobileNet v2": _mobilenet_v2,
    "ResNet-18": _resnet18,
    "ResNet-50": _resnet50,
}


def network_work(name: str, *, is_integer: bool) -> ModelWork:
    """The work of a known network at 224 x 224 pixels.

    Args:
        name: one of `NETWORKS`.
        is_integer: all of it int8; else all float32.
    """
    operations = tuple(each.operation(is_integer=is_integer) for each in NETWORKS[name]())
    return ModelWork(
        operations=operations,
        peak_activation_bytes=max(each.activation_bytes for each in operations),
        weight_bytes=sum(each.weight_bytes for each in operations),
    )
