"""Which part of a picture goes where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.manifest import Resize
from edge.errors import UnsupportedInputError
from edge.preprocess.geometry import Geometry, plan_geometry

SIDES = st.integers(1, 30_000)
TARGETS = st.integers(1, 1024)


def fields(geometry: Geometry) -> tuple[tuple[int, ...], tuple[int, int], tuple[int, int]]:
    crop = (geometry.crop_x, geometry.crop_y, geometry.crop_width, geometry.crop_height)
    resized = (geometry.resized_width, geometry.resized_height)
    return crop, resized, (geometry.offset_x, geometry.offset_y)


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        pytest.param(
            (2000, 2500),
            Resize(width=224, height=224),
            ((0, 0, 2000, 2500), (224, 224), (0, 0)),
            id="stretch",
        ),
        pytest.param(
            (640, 480),
            Resize(width=224, height=224, rule="letterbox"),
            ((0, 0, 640, 480), (224, 168), (0, 28)),
            id="letterbox of a wide picture",
        ),
        pytest.param(
            (480, 640),
            Resize(width=224, height=224, rule="letterbox"),
            ((0, 0, 480, 640), (168, 224), (28, 0)),
            id="letterbox of a tall picture",
        ),
        pytest.param(
            (100, 33),
            Resize(width=50, height=50, rule="letterbox"),
            ((0, 0, 100, 33), (50, 17), (0, 16)),
            id="letterbox rounds halves up",
        ),
        pytest.param(
            (30_000, 1),
            Resize(width=224, height=224, rule="letterbox"),
            ((0, 0, 30_000, 1), (224, 1), (0, 111)),
            id="letterbox of a line",
        ),
        pytest.param(
            (256, 256),
            Resize(width=224, height=224, rule="crop", crop_fraction=0.875),
            ((16, 16, 224, 224), (224, 224), (0, 0)),
            id="crop without scaling",
        ),
        pytest.param(
            (640, 480),
            Resize(width=224, height=224, rule="crop"),
            ((80, 0, 480, 480), (224, 224), (0, 0)),
            id="crop of a wide picture",
        ),
        pytest.param(
            (500, 500),
            Resize(width=200, height=100, rule="crop", crop_fraction=0.8),
            ((50, 150, 400, 200), (200, 100), (0, 0)),
            id="crop to another shape",
        ),
        pytest.param(
            (1, 30_000),
            Resize(width=224, height=224, rule="crop", crop_fraction=0.5),
            ((0, 14_999, 1, 1), (224, 224), (0, 0)),
            id="crop of a line",
        ),
        pytest.param(
            (64, 32),
            Resize(width=64, height=32, rule="exact"),
            ((0, 0, 64, 32), (64, 32), (0, 0)),
            id="exact",
        ),
    ],
)
def test_each_rule_takes_and_places_what_it_says(
    size: tuple[int, int],
    resize: Resize,
    expected: tuple[tuple[int, ...], tuple[int, int], tuple[int, int]],
) -> None:
    assert fields(plan_geometry(*size, resize)) == expected


def test_another_size_than_the_exact_one_is_refused() -> None:
    with pytest.raises(
        UnsupportedInputError, match="is 64 x 33 pixels and the model takes exactly"
    ):
        plan_geometry(64, 33, Resize(width=64, height=32, rule="exact"))


@given(
    SIDES, SIDES, TARGETS, TARGETS,
    st.sampled_from(["stretch", "letterbox", "crop"]),
    st.floats(0.01, 1),
)  # fmt: skip
def test_nothing_lies_outside_of_picture_or_canvas(
    width: int, height: int, to_width: int, to_height: int, rule: str, fraction: float
) -> None:
    resize = Resize(width=to_width, height=to_height, rule=rule, crop_fraction=fraction)
    plan = plan_geometry(width, height, resize)
    assert (plan.width, plan.height) == (to_width, to_height)
    assert 0 <= plan.crop_x < plan.crop_x + plan.crop_width <= width
    assert 0 <= plan.crop_y < plan.crop_y + plan.crop_height <= height
    assert 0 <= plan.offset_x < plan.offset_x + plan.resized_width <= to_width
    assert 0 <= plan.offset_y < plan.offset_y + plan.resized_height <= to_height
    assert plan.is_padded == ((plan.resized_width, plan.resized_height) != (to_width, to_height))


@given(SIDES, SIDES, TARGETS, TARGETS)
def test_a_letterbox_keeps_the_aspect_ratio_to_half_a_pixel_and_is_centred(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    plan = plan_geometry(width, height, Resize(width=to_width, height=to_height, rule="letterbox"))
    scale = min(to_width / width, to_height / height)
    assert abs(plan.resized_width - max(1, width * scale)) <= 0.5 + 1e-9 * to_width
    assert abs(plan.resized_height - max(1, height * scale)) <= 0.5 + 1e-9 * to_height
    assert to_width == plan.resized_width or to_height == plan.resized_height
    assert 0 <= to_width - plan.resized_width - 2 * plan.offset_x <= 1
    assert 0 <= to_height - plan.resized_height - 2 * plan.offset_y <= 1


@given(SIDES, SIDES, TARGETS, TARGETS, st.floats(0.01, 1))
def test_a_crop_has_the_canvas_s_aspect_ratio_to_a_pixel_and_is_centred(
    width: int, height: int, to_width: int, to_height: int, fraction: float
) -> None:
    resize = Resize(width=to_width, height=to_height, rule="crop", crop_fraction=fraction)
    plan = plan_geometry(width, height, resize)
    scale = max(to_width / width, to_height / height) / fraction
    assert abs(plan.crop_width - max(1, to_width / scale)) <= 1.001
    assert abs(plan.crop_height - max(1, to_height / scale)) <= 1.001
    assert 0 <= width - plan.crop_width - 2 * plan.crop_x <= 1
    assert 0 <= height - plan.crop_height - 2 * plan.crop_y <= 1


@given(SIDES, SIDES, TARGETS, TARGETS, st.sampled_from(["stretch", "letterbox", "crop"]))
def test_points_of_the_canvas_map_back_to_the_picture(
    width: int, height: int, to_width: int, to_height: int, rule: str
) -> None:
    plan = plan_geometry(width, height, Resize(width=to_width, height=to_height, rule=rule))
    first = plan.to_picture(plan.offset_x, plan.offset_y)
    last = plan.to_picture(plan.offset_x + plan.resized_width, plan.offset_y + plan.resized_height)
    assert first == (plan.crop_x, plan.crop_y)
    assert last == pytest.approx((plan.crop_x + plan.crop_width, plan.crop_y + plan.crop_height))
