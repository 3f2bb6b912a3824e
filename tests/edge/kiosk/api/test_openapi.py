"""The description of the API is true: checked against the running server."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from edge.kiosk.api.handlers import Handlers
from edge.kiosk.api.openapi import openapi_document
from edge.kiosk.api.operations import EVERYWHERE, OPERATIONS, PROBLEMS

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis, of the extra test")

EXAMPLES_PER_OPERATION = 20


def test_every_operation_has_its_handler_and_each_status_its_words():
    for operation in OPERATIONS:
        assert callable(getattr(Handlers, operation.name))
        assert set(operation.problems) <= set(PROBLEMS)
    assert set(EVERYWHERE) <= set(PROBLEMS)


def test_with_a_token_the_description_says_how_to_show_it():
    document = openapi_document(is_token_set=True)
    assert document["security"] == [{"bearer": []}, {"session": []}]
    assert "401" in document["paths"]["/v1/latest"]["get"]["responses"]
    assert "security" not in openapi_document(is_token_set=False)


def test_every_reference_leads_somewhere():
    document = openapi_document(is_token_set=False)
    text = json.dumps(document)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in document["components"]["schemas"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
def test_whatever_is_asked_the_answer_is_as_described(serve, name, mode):
    served = serve()
    # Without a model two answers are problems, which are described as well.
    served.show("answered" if mode == "POSITIVE" else "waiting")
    schema = schemathesis.openapi.from_dict(json.loads(served.get("/openapi.json").body))
    operation = schema.find_operation_by_id(name)
    chosen = getattr(schemathesis.GenerationMode, mode)
    seen = set()

    @settings(
        max_examples=EXAMPLES_PER_OPERATION,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=chosen))
    def ask(case):
        asked = str(case.query.get("follow", "")).lower()
        if name == "events" and (not asked or "true" in asked):
            case.query["follow"] = "false"  # else it would never end
        response = case.call_and_validate(base_url=f"http://127.0.0.1:{served.port}")
        seen.add(response.status_code)

    try:
        ask()
    except Unsatisfiable:
        assert mode == "NEGATIVE"
        assert not operation.query
    else:
        assert seen
        assert all(status < 500 for status in seen)


@pytest.mark.slow
def test_a_false_description_would_be_noticed(serve):
    served = serve()
    document = json.loads(served.get("/openapi.json").body)
    document["components"]["schemas"]["Latest"]["properties"]["state"] = {"type": "integer"}
    case = schemathesis.openapi.from_dict(document).find_operation_by_id("latest").Case()
    with pytest.raises(schemathesis.core.failures.FailureGroup, match="1 distinct failure"):
        case.call_and_validate(base_url=f"http://127.0.0.1:{served.port}")
