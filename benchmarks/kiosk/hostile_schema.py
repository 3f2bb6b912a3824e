"""What schemathesis finds to ask by the kiosk's own description, checked against it."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["ask_by_schema"]

_EXAMPLES = 400
_ROUNDS = 50


def ask_by_schema(
    base: str, count: int, pace: Callable[[], str], headers: dict[str, str]
) -> tuple[Counter[str], list[str]]:
    """Ask so often, well and badly formed by turns.

    Args:
        base: address of the kiosk.
        count: requests.
        pace: waits for the next turn and gives the address to ask from.
        headers: sent with each.

    Returns:
        Answers by status, and what was not as described (first line of each, at most 20).
    """
    asking = _Asking(base, count, pace, headers)
    # Most operations can be asked in a few ways only; rounds with other seeds fill up.
    for number in range(_ROUNDS):
        for operation in asking.operations():
            if asking.left > 0:
                asking.ask(operation, number)
    return asking.statuses, asking.faults


class _Asking:
    def __init__(
        self, base: str, count: int, pace: Callable[[], str], headers: dict[str, str]
    ) -> None:
        import schemathesis

        fetch = urllib.request.Request(f"{base}/openapi.json", headers=headers)  # noqa: S310 - ours
        with urllib.request.urlopen(fetch, timeout=10) as reply:  # noqa: S310 - same
            self._schema = schemathesis.openapi.from_dict(json.load(reply))
        self._base = base
        self._pace = pace
        self._headers = headers
        self.left = count
        self.statuses: Counter[str] = Counter()
        self.faults: list[str] = []

    def operations(self) -> Iterator[Any]:
        for found in self._schema.get_all_operations():
            yield found.ok()

    def ask(self, operation: Any, number: int) -> None:
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis.errors import Unsatisfiable
        from schemathesis import GenerationMode

        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(number)
            @settings(
                max_examples=_EXAMPLES if operation.body or operation.query else 4,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def run(case: Any) -> None:
                if self.left > 0:
                    self._one(case)

            # An operation without parameters cannot be asked wrongly.
            with contextlib.suppress(Unsatisfiable):
                run()

    def _one(self, case: Any) -> None:
        import requests

        self.left -= 1
        if case.operation.path.endswith("/events"):
            asked = str(case.query.get("follow", "")).lower()
            if not asked or "true" in asked:
                case.query["follow"] = "false"  # else it would never end
        with requests.Session() as session:
            session.mount("http://", _from_address(self._pace()))
            try:
                answer = case.call(base_url=self._base, session=session, headers=self._headers)
            except requests.RequestException as error:
                self.statuses[type(error).__name__] += 1
                return
            self.statuses[str(answer.status_code)] += 1
            self._check(case, answer)

    def _check(self, case: Any, answer: Any) -> None:
        from schemathesis.core.failures import FailureGroup

        try:
            case.validate_response(answer)
        except FailureGroup as group:
            words = "; ".join(str(each).splitlines()[0] for each in group.exceptions)
            if len(self.faults) < 20:  # noqa: PLR2004 - enough to see what is wrong
                self.faults.append(f"{case.operation.label}: {words}")


def _from_address(address: str) -> Any:
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, source_address=(address, 0), **options)

    return Adapter()
