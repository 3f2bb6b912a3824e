"""What a kiosk may say, by name: every state, gate and kind of output that the page can show."""

from __future__ import annotations

import hashlib
import time

from edge.kiosk.messages import (
    Answer,
    LabelScore,
    Latency,
    Latest,
    ModelCard,
    ModelName,
    Output,
    OutputCard,
)

__all__ = ["GATES", "HOSTILE", "LINK_STATES", "OUTPUTS", "SCENES", "card_for", "latest_for"]

GATES = (
    "black",
    "saturated",
    "even",
    "frozen",
    "torn",
    "stale",
    "input",
    "engine",
    "journal",
    "source",
    "worker",
    "old",
    "update",
)
"""Every word that `Latest.gate` may hold."""

LINK_STATES = ("connecting", "lost", "denied")
"""What the page alone knows."""

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>&lt;b&gt;'

_FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural thickening",
    "Hernia",
)
_THRESHOLD = 0.5


def _scores(**scores: float) -> tuple[LabelScore, ...]:
    return tuple(LabelScore(name.replace("_", " "), score) for name, score in scores.items())


def _findings(*found: float) -> Output:
    rest = (0.31, 0.22, 0.18, 0.12, 0.09, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.011, 0.007, 0.002)
    values = (*found, *rest)[: len(_FINDINGS)]
    scores = tuple(LabelScore(label, score) for label, score in zip(_FINDINGS, values, strict=True))
    decision = tuple(each.label for each in scores if each.score >= _THRESHOLD)
    return Output("findings", "multilabel", scores, decision)


def _one_of(name: str, decided: str, **scores: float) -> Output:
    return Output(name, "classification", _scores(**scores), (decided,))


_CHEST = _one_of(
    "finding",
    "bacterial pneumonia",
    normal=0.0972,
    bacterial_pneumonia=0.6494,
    viral_pneumonia=0.2534,
)
_VALUES = Output(
    "ejection fraction", "regression", (LabelScore("Ejection fraction", 54.27),), (), "%"
)

OUTPUTS: dict[str, tuple[Output, ...]] = {
    "classification": (_CHEST,),
    "sure": (_one_of("grade", "normal", normal=0.9999, mild=0.0001, severe=0.0),),
    "logits": (_one_of("class", "b", a=-1.25, b=7.5, c=0.25),),
    "multilabel": (_findings(0.82, 0.12, 0.64),),
    "one finding": (_findings(0.4996, 0.91),),
    "no finding": (_findings(),),
    "many findings": (_findings(0.97, 0.91, 0.88, 0.84, 0.77, 0.71, 0.66, 0.61, 0.58, 0.55),),
    "regression": (_VALUES,),
    "several outputs": (
        _one_of("stage", "stage II", stage_I=0.21, stage_II=0.58, stage_III=0.21),
        _findings(0.82),
        _VALUES,
    ),
    "hostile": (Output(HOSTILE, "classification", (LabelScore(HOSTILE, 1.0),), (HOSTILE,)),),
}
"""Answers of every kind, by name."""


def _reason(gate: str) -> str:
    return {
        "black": "the picture is black: mean 2.1 of 255, the least is 8",
        "frozen": "the same picture for 3.2 s; the most is 2 s",
        "source": "camera:0 gives no pictures; it is being opened again",
        "hostile": HOSTILE,
    }.get(gate, "what the system itself says of it, in one line")


SCENES = (*OUTPUTS, *GATES, "waiting", "of the future")
"""What the service may say."""


def card_for(scene: str) -> ModelCard:
    """The model card that fits a scene."""
    outputs = OUTPUTS.get(scene, OUTPUTS["classification"])
    name = HOSTILE if scene == "hostile" else "chest-xray-pneumonia"
    digest = hashlib.sha256(scene.encode()).hexdigest()
    return ModelCard(
        model=ModelName(name, "1.0.0", digest),
        task="chest X-ray of a child: normal, bacterial pneumonia or viral pneumonia",
        intended_use="Demonstrating and testing edgedx. No answer is for patients.",
        limits="Not for patients: no clinical validation of any kind.",
        licence="Apache-2.0",
        engine="onnxruntime",
        engine_version="1.23.0",
        precision="int8",
        artifact="model.int8.onnx",
        outputs=tuple(map(_output_card, outputs)),
        selftest="passed",
    )


def _output_card(output: Output) -> OutputCard:
    labels = tuple(each.label for each in output.scores)
    decides = output.kind == "multilabel"
    thresholds = dict.fromkeys(labels, _THRESHOLD) if decides else {}
    return OutputCard(output.name, output.kind, labels, thresholds, output.unit)


def latest_for(scene: str, index: int = 0) -> Latest:
    """What `/v1/latest` says in a scene."""
    if scene == "waiting":
        return Latest("waiting", "", None, None, None)
    if scene in OUTPUTS:
        return Latest("answered", "", None, 64, _answer(scene, index))
    gate = "something new" if scene == "of the future" else scene
    return Latest("no_result", gate, _reason(gate), None, None)


def _answer(scene: str, index: int) -> Answer:
    return Answer(
        sequence=index + 1,
        entry_digest=hashlib.sha256(f"entry {index}".encode()).hexdigest(),
        source="camera:0",
        index=index,
        status="ok",
        gate="",
        reason=None,
        model=card_for(scene).model,
        engine="onnxruntime",
        precision="int8",
        outputs=OUTPUTS[scene],
        latency_ns=Latency(infer=21_400_000, total=24_700_000),
        capture_time_ns=time.time_ns(),
        capture_to_answer_ns=48_200_000,
        input_digest=hashlib.sha256(f"frame {index}".encode()).hexdigest(),
    )
