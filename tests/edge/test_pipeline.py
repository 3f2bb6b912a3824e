"""The pipeline composes the stages, whatever the engine behind the seam."""

import threading
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.bundle.manifest import Artifact, ImageInput, Output, Resize
from edge.model_parts import ModelParts
from edge.pipeline import Model


def replayed_model(
    *answers: list[float],
    input_shape: tuple[int, ...] = (1, 1, 4, 4),
    labels: tuple[str, ...] = ("no", "yes"),
    names: tuple[str, str] = ("logits", "logits"),
) -> Model:
    """A 4 x 4 grey model whose engine replays these outputs."""
    engine = edge.ReplayEngine(
        [edge.TensorSpec("image", input_shape, "float32")],
        [edge.TensorSpec(names[1], (1, len(answers[0])), "float32")],
        [{names[1]: np.array([answer], np.float32)} for answer in answers],
    )
    return Model(
        ModelParts(
            identity=edge.ModelIdentity("test", "1", "0" * 64),
            inputs=(
                ImageInput(
                    name="image",
                    shape=(1, 1, 4, 4),
                    layout="NCHW",
                    colour="grey",
                    resize=Resize(width=4, height=4),
                ),
            ),
            outputs=(
                Output(name=names[0], kind="classification", labels=labels, activation="softmax"),
            ),
            artifact=Artifact(
                path="model.onnx",
                engine="onnxruntime",
                precision="float32",
                layout="NCHW",
                tolerance_steps=0,
                output_steps={},
            ),
            engine=engine,
        )
    )


def picture(value: int = 0) -> np.ndarray:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    return pixels + np.uint8(value)


def test_an_answer_says_what_who_and_how_long() -> None:
    result = replayed_model([0.0, 2.0]).run(picture())
    assert (result.status, result.reason, result.engine) == ("ok", None, "replay")
    assert result.top.label == "yes"
    assert result.decision == ("yes",)
    stages = result.latency_ns
    assert stages.preprocess > 0
    assert stages.infer > 0
    assert stages.total >= stages.preprocess + stages.infer + stages.postprocess


def test_every_picture_gets_its_own_answer_in_turn() -> None:
    model = replayed_model([0.0, 2.0], [2.0, 0.0])
    assert [model.run(picture()).top.label for _ in range(3)] == ["yes", "no", "yes"]


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_one_even_tone_is_refused_with_its_reason(tone: int) -> None:
    result = replayed_model([0.0, 2.0]).run(np.full((50, 60), tone, np.uint8))
    assert result.status == "refused"
    assert "one even tone" in str(result.reason)
    assert result.gate == "even"
    assert result.outputs == ()
    assert result.decision == ()
    with pytest.raises(ValueError, match="no answer"):
        _ = result.top


def test_a_colour_array_must_say_its_channel_order() -> None:
    with pytest.raises(edge.UnsupportedInputError, match=r"edge\.Frame"):
        replayed_model([0.0, 2.0]).run(np.zeros((8, 8, 3), np.uint8))


def test_outputs_that_are_no_numbers_are_an_error_and_no_answer() -> None:
    with pytest.raises(edge.EngineError, match="NaN or infinite"):
        replayed_model([0.0, float("nan")]).run(picture())


def test_a_closed_model_says_so() -> None:
    with replayed_model([0.0, 1.0]) as model:
        model.run(picture())
    model.close()
    with pytest.raises(edge.EngineError, match="closed"):
        model.run(picture())


def test_a_model_whose_shape_disagrees_with_its_manifest_is_refused() -> None:
    with pytest.raises(edge.ModelMismatchError, match=r"takes \[1, 1, 5, 4\].*\[1, 1, 4, 4\]"):
        replayed_model([0.0, 1.0], input_shape=(1, 1, 5, 4))


def test_a_model_with_another_number_of_outputs_than_labels_is_refused() -> None:
    with pytest.raises(edge.ModelMismatchError, match="3 labels"):
        replayed_model([0.0, 1.0], labels=("a", "b", "c"))


def test_a_single_output_that_a_converter_renamed_is_found() -> None:
    model = replayed_model([0.0, 1.0], names=("logits", "Identity:0"))
    assert model.run(picture()).outputs[0].name == "logits"


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_several_threads_share_one_model_and_get_true_answers(
    sample_films: list[Path], engine: str
) -> None:
    with edge.load(engine=engine, threads=1) as model:
        expected = {film: model.run(film).outputs for film in sample_films}
        wrong: list[Path] = []

        def ask(films: list[Path]) -> None:
            for _ in range(5):
                wrong.extend(film for film in films if model.run(film).outputs != expected[film])

        threads = [
            threading.Thread(target=ask, args=(sample_films[start:] + sample_films[:start],))
            for start in range(len(sample_films))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_answers_do_not_depend_on_the_number_of_threads(sample_films: list[Path]) -> None:
    for engine in ("onnxruntime", "litert"):
        answers = set()
        for threads in (1, 2):
            with edge.load(engine=engine, threads=threads) as model:
                answers.add(model.run(sample_films[0]).outputs)
        assert len(answers) == 1


def test_a_loaded_model_does_not_read_its_file_again(
    sample_films: list[Path], tmp_path: Path
) -> None:
    from edge.model_loader import DEFAULT_BUNDLE

    copy = tmp_path / "copy.edge"
    copy.write_bytes(DEFAULT_BUNDLE.read_bytes())
    with edge.load(copy) as model:
        copy.unlink()
        assert model.run(sample_films[0]).status == "ok"
