"""Requests that schemathesis makes from the contract: none is a fault of ours, and each answer is as the contract says.

The same few in each run: what other requests find is found by `make soak`, which asks every operation by another seed
each time, and by `make fuzz` against a whole gateway.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from gateway.api.contract import contract, scopes
from gateway.store.database import prepare
from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from tests.faults import rounds
from tests.fuzz.api import ENDLESS, LAST
from web.gateway_client import Asker, GatewayClient

RULES = settings(
    max_examples=rounds(2, 10), deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayThread]:
    """A gateway with an owner, an order, and a store for what the worker reads by itself."""
    served = GatewayThread(tmp_path)
    served.make_owner()
    prepare(served.settings)
    with gateway_running(served):
        served.keep_order("1001")
        yield served


def test_requests_made_from_the_contract_are_answered_as_it_says(gateway: GatewayThread, seed: int) -> None:
    # Every worker of a run reads this file, and one runs it: to load this takes half a second.
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import CHECKS
    from schemathesis.core.result import Ok

    from tests.fuzz import api_hooks

    checked = (api_hooks.no_fault_of_ours.__name__, "content_type_conformance", "response_schema_conformance")
    seed = rounds(1, seed)
    session = GatewayClient(gateway.url).sign_in(Asker(), name="anna", password=PASSWORD)
    document = schemathesis.openapi.from_dict(contract())
    operations = [each.ok() for each in document.get_all_operations() if isinstance(each, Ok)]
    assert len(operations) == len(scopes())
    reachable = [each for each in operations if each.definition.raw["operationId"] not in (*ENDLESS, *LAST)]
    checks = CHECKS.get_by_names(checked)
    asked = 0

    def ask(operation: Any, mode: GenerationMode) -> None:
        @hypothesis.seed(seed)
        @RULES
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(
                base_url=gateway.url, headers={"Authorization": f"Bearer {session['token']}"}, checks=checks
            )

        # Where an operation takes nothing nothing can be wrong about it, and some bodies are hard to find by chance.
        with suppress(Unsatisfiable):
            one()

    chosen = random.Random(seed).sample(reachable, rounds(12, len(reachable)))
    for operation in chosen:
        for mode in GenerationMode:
            ask(operation, mode)
    print(f"{asked} requests to {len(chosen)} operations")
    assert asked >= len(chosen)
