"""The publish half of a Link, against a model of a broker: whatever happens, each publish ends once, and rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from pika.exceptions import ChannelWrongStateError
from pika.spec import Basic, BasicProperties

from shared.link.outcome import Accepted, PublishOutcome, Refused, Unknown, Unroutable
from shared.link.publication import Publication
from shared.link.publisher import Pending, Publisher
from shared.message import Message

WINDOW = 4


class ModelBroker:
    """A connection, its one channel in confirm mode, and what was written to them."""

    def __init__(self) -> None:
        self.connection = self
        self.is_open, self.channel_number = True, 1
        self.callbacks = SimpleNamespace(remove=lambda *_: True)
        self.unconfirmed: dict[int, str] = {}  # tag → id
        self.sent: list[str] = []
        self._tag = 0

    # -- what the Publisher calls

    async def channel(self, on_close: Callable[[str], None]) -> ModelBroker:
        self.closed = on_close
        return self

    def add_on_connection_blocked_callback(self, callback: Callable[..., None]) -> None:
        self._blocked = callback

    def add_on_connection_unblocked_callback(self, callback: Callable[..., None]) -> None:
        self._unblocked = callback

    def add_on_return_callback(self, callback: Callable[..., None]) -> None:
        self._returned = callback

    def add_on_close_callback(self, callback: Callable[..., None]) -> None:
        pass

    def abandon(self, reason: str) -> None:
        raise AssertionError(reason)

    def confirm_delivery(self, on_confirm: Callable[..., None], callback: Callable[..., None]) -> None:
        self._on_confirm = on_confirm
        callback(None)

    def basic_publish(self, exchange: str, _key: str, _body: bytes, properties: BasicProperties, _mandatory: bool) -> None:
        if not self.is_open:
            raise ChannelWrongStateError
        if exchange == "odd":
            raise TypeError("can't be encoded")
        self._tag += 1
        id = str(properties.message_id)
        self.unconfirmed[self._tag] = id
        self.sent.append(id)

    # -- what the broker does

    def confirm(self, tag: int, *, multiple: bool, nack: bool = False) -> list[str]:
        tags = [other for other in self.unconfirmed if other == tag or (multiple and other <= tag)]
        ids = [self.unconfirmed.pop(other) for other in tags]
        kind = Basic.Nack if nack else Basic.Ack
        self._on_confirm(SimpleNamespace(method=kind(tag, multiple)))
        return ids

    def give_back(self, tag: int) -> None:
        method = Basic.Return(312, "NO_ROUTE", "", "key")
        self._returned(self, method, BasicProperties(message_id=self.unconfirmed[tag]), b"")

    def block(self) -> None:
        self._blocked(self, SimpleNamespace(method=SimpleNamespace(reason="low on memory")))

    def unblock(self) -> None:
        self._unblocked(self, None)


class Run:
    """A Publisher, its broker, and what came of each publish."""

    def __init__(self) -> None:
        self.may_send = True
        self.publisher = Publisher(WINDOW, lambda: self.may_send, lambda: "", lambda: None, lambda _: None)
        self.broker: ModelBroker | None = None
        self.outcomes: dict[str, list[PublishOutcome]] = {}
        self.stored: set[str] = set()
        self.returned: set[str] = set()
        self.sent: set[str] = set()
        self.count = 0

    async def step(self, kind: str, choice: int) -> None:
        match kind:
            case "publish" | "publish odd":
                self._publish("odd" if kind == "publish odd" else "", past=False)
            case "publish late":
                self._publish("", past=True)
            case "look at the deadlines":
                self.publisher._sweep()  # noqa: SLF001 - what its timer calls
            case "replies find us" | "replies don't find us":
                self.may_send = kind == "replies find us"
            case "open" if self.broker is None:
                self.broker = ModelBroker()
                await self.publisher.open(self.broker, 1)  # type: ignore[arg-type]
            case _ if self.broker is not None:
                self._befall(self.broker, kind, choice)
        if self.broker is not None:
            assert len(self.broker.unconfirmed) <= WINDOW
            self.sent |= set(self.broker.sent)

    def _befall(self, broker: ModelBroker, kind: str, choice: int) -> None:
        match kind:
            case "lose" | "lose channel":
                broker.is_open = False
                self.broker = None
                if kind == "lose channel":
                    broker.closed("404 NOT_FOUND")
                self.publisher.lost("connection lost")
            case "block":
                broker.block()
            case "unblock":
                broker.unblock()
            case "confirm" | "confirm several" | "return" | "nack" if broker.unconfirmed:
                self._answer(broker, kind, sorted(broker.unconfirmed)[choice % len(broker.unconfirmed)])

    def _publish(self, exchange: str, *, past: bool) -> None:
        id = str(self.count)
        self.count += 1
        self.outcomes[id] = []
        deadline = asyncio.get_running_loop().time() + (-1 if past else 1000)
        self.publisher.add(Pending(Publication(exchange, "key", Message(b"", id=id)), self.outcomes[id].append, deadline))
        self.publisher.pump()

    def _answer(self, broker: ModelBroker, kind: str, tag: int) -> None:
        if kind == "return":
            self.returned.add(broker.unconfirmed[tag])
            broker.give_back(tag)
        ids = broker.confirm(tag, multiple=kind == "confirm several", nack=kind == "nack")
        if kind != "nack":
            self.stored |= set(ids) - self.returned

    def check(self) -> None:
        for id, outcomes in self.outcomes.items():
            (outcome,) = outcomes
            match outcome:
                case Accepted():
                    assert id in self.stored
                case Unroutable(reason):
                    assert id in self.returned
                    assert "NO_ROUTE" in reason
                case Refused(reason):
                    assert id not in self.sent or "nack" in reason
                case Unknown():
                    assert id in self.sent


STEPS = st.sampled_from(
    [
        *["publish"] * 6,
        *["confirm"] * 3,
        *["open"] * 2,
        "publish odd",
        "publish late",
        "confirm several",
        "return",
        "nack",
        "block",
        "unblock",
        "lose",
        "lose channel",
        "look at the deadlines",
        "replies find us",
        "replies don't find us",
    ]
)


@given(st.lists(st.tuples(STEPS, st.integers(0, 100)), max_size=60))
@settings(max_examples=150, deadline=None)
def test_each_publish_ends_once_and_rightly(steps: list[tuple[str, int]]) -> None:
    async def live() -> Run:
        run = Run()
        for kind, choice in [("open", 0), *steps]:
            await run.step(kind, choice)
        run.publisher.close()
        return run

    asyncio.run(live()).check()


async def _opened() -> Run:
    run = Run()
    await run.step("open", 0)
    return run


async def test_the_window_holds_and_what_waits_goes_out_as_confirms_come() -> None:
    run = await _opened()
    for _ in range(WINDOW + 2):
        await run.step("publish", 0)
    assert run.broker is not None
    assert run.broker.sent == ["0", "1", "2", "3"]
    assert run.publisher.pending == WINDOW + 2
    await run.step("confirm", 2)
    assert run.broker.sent == ["0", "1", "2", "3", "4"]
    assert run.outcomes["2"] == [Accepted()]
    run.publisher.close()


async def test_what_ended_by_its_deadline_still_fills_the_window_until_its_confirm() -> None:
    """The broker has it in hand: to forget it would be to send without a bound."""
    run = await _opened()
    for _ in range(WINDOW):
        await run.step("publish late", 0)
    await run.step("publish", 0)
    await run.step("look at the deadlines", 0)
    assert [type(run.outcomes[str(number)][0]) for number in range(WINDOW)] == [Unknown] * WINDOW
    assert run.outcomes["4"] == []
    await run.step("confirm several", WINDOW - 1)
    assert run.broker is not None
    assert run.broker.sent[-1] == "4"
    run.publisher.close()


async def test_a_blocked_broker_ends_all_at_once_and_a_confirm_that_comes_late_is_no_second_outcome() -> None:
    run = await _opened()
    for _ in range(WINDOW + 1):
        await run.step("publish", 0)
    await run.step("block", 0)
    assert [type(outcomes[0]) for outcomes in run.outcomes.values()] == [Unknown] * WINDOW + [Refused]
    assert "low on memory" in run.publisher.condition.detail
    await run.step("confirm several", WINDOW - 1)
    await run.step("unblock", 0)
    assert run.publisher.condition.healthy
    await run.step("publish", 0)
    await run.step("confirm", 0)
    assert run.outcomes["5"] == [Accepted()]
    assert all(len(outcomes) == 1 for outcomes in run.outcomes.values())
    run.publisher.close()


async def test_nothing_is_sent_before_replies_would_find_us() -> None:
    run = await _opened()
    assert run.broker is not None
    await run.step("replies don't find us", 0)
    await run.step("publish", 0)
    await run.step("publish late", 0)
    assert run.broker.sent == []
    await run.step("look at the deadlines", 0)
    assert run.outcomes == {"0": [], "1": [Refused("not sent in time: the window was full", away=True)]}
    await run.step("replies find us", 0)
    await run.step("look at the deadlines", 0)
    assert run.broker.sent == ["0"]
    run.publisher.close()


async def test_what_cannot_be_encoded_is_refused_and_spoils_nothing() -> None:
    run = await _opened()
    assert run.broker is not None
    await run.step("publish odd", 0)
    await run.step("publish", 0)
    assert run.outcomes["0"] == [Refused("can't be put on the wire: TypeError(\"can't be encoded\")")]
    assert run.broker.sent == ["1"]
    run.publisher.close()


async def test_one_message_that_is_under_way_twice_and_returns_twice_is_twice_unroutable() -> None:
    run = await _opened()
    assert run.broker is not None
    outcomes: list[PublishOutcome] = []
    for _ in range(2):
        run.publisher.add(Pending(Publication("", "key", Message(b"", id="same")), outcomes.append, 1e9))
    run.publisher.pump()
    for tag in (1, 2):
        run.broker.give_back(tag)
    run.broker.confirm(2, multiple=True)
    assert [type(outcome) for outcome in outcomes] == [Unroutable, Unroutable]
    run.publisher.close()
