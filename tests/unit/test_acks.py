"""The ack rule, against a model of the broker that ends the channel at a double ack."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.link.acks import Acks, coalesce


class ModelChannel:
    """What RabbitMQ holds against a channel: a tag must be unsettled when it is named (404/406 otherwise)."""

    def __init__(self) -> None:
        self.unsettled: set[int] = set()

    def ack(self, tag: int, *, multiple: bool) -> None:
        assert tag in self.unsettled, f"406 PRECONDITION_FAILED - unknown delivery tag {tag}"
        self.unsettled -= {other for other in self.unsettled if other <= tag} if multiple else {tag}


class Acking(RuleBasedStateMachine):
    """Deliveries, ends in any order, hand-backs, and turns of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = ModelChannel()
        self.outstanding: dict[int, None] = {}
        self.finished: set[int] = set()
        self.last = 0
        self.frames = 0

    @rule(count=st.integers(1, 20))
    def deliver(self, count: int) -> None:
        for _ in range(count):
            self.last += 1
            self.broker.unsettled.add(self.last)
            self.outstanding[self.last] = None

    @precondition(lambda self: self.outstanding.keys() - self.finished)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        running = sorted(self.outstanding.keys() - self.finished)
        self.finished |= data.draw(st.sets(st.sampled_from(running), min_size=1))

    @precondition(lambda self: self.outstanding.keys() - self.finished)
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        tag = data.draw(st.sampled_from(sorted(self.outstanding.keys() - self.finished)))
        self.broker.ack(tag, multiple=False)
        del self.outstanding[tag]

    @rule()
    def turn(self) -> None:
        acks = coalesce(self.outstanding, self.finished)
        if acks.up_to:
            self.broker.ack(acks.up_to, multiple=True)
        for tag in acks.singles:
            self.broker.ack(tag, multiple=False)
        assert len(acks.singles) + bool(acks.up_to) <= len(self.finished)
        for tag in self.finished:
            del self.outstanding[tag]
        self.finished.clear()
        assert self.broker.unsettled == self.outstanding.keys(), "a finished ack outlived its turn, or a running job was acked"

    @invariant()
    def nobody_else_is_acked(self) -> None:
        assert self.outstanding.keys() <= self.broker.unsettled


TestAcking = Acking.TestCase
TestAcking.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("outstanding", "finished", "acks"),
    [
        ([], set(), Acks(0, ())),
        ([1, 2, 3], set(), Acks(0, ())),
        ([1, 2, 3], {1, 2, 3}, Acks(3, ())),
        ([1, 2, 3], {2, 3}, Acks(0, (2, 3))),
        ([1, 2, 3, 4], {1, 2, 4}, Acks(2, (4,))),
        ([5], {5}, Acks(5, ())),
        ([3, 7, 9], {3, 9}, Acks(3, (9,))),
    ],
)
def test_examples(outstanding: list[int], finished: set[int], acks: Acks) -> None:
    assert coalesce(outstanding, finished) == acks


@given(st.sets(st.integers(1, 10_000), max_size=200))
def test_when_all_is_finished_one_ack_is_enough(tags: set[int]) -> None:
    assert coalesce(sorted(tags), tags) == Acks(max(tags, default=0), ())
