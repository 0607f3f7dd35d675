"""What a delivery is to a worker: new, or one that has come back for a job that runs here, or that has finished here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.deliveries import Session, a_delivery, a_held, an_envelope
from worker.adoption import REMEMBERED, Book, Verdict
from worker.held import Held


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Book:
    return Book(4, clock)


def back(book: Book, id: str = "job-1", session: Session | None = None, *, attempt: int = 1) -> Verdict | Held:
    """The verdict on a redelivery."""
    envelope = an_envelope(id, attempt=attempt)
    return book.verdict((id, attempt), a_delivery(envelope, session, redelivered=True))


def fresh(book: Book, id: str = "job-1") -> Verdict | Held:
    return book.verdict((id, 1), a_delivery(an_envelope(id)))


def held_in(book: Book, session: Session, id: str = "job-1", *, tag: int = 1) -> Held:
    held = a_held(id, session, tag=tag)
    book.enter(held)
    return held


def test_a_job_that_never_was_here_is_new_redelivered_or_not(book: Book) -> None:
    assert fresh(book) is Verdict.NEW
    assert back(book) is Verdict.NEW


def test_what_still_runs_when_its_session_is_over_is_adopted(book: Book) -> None:
    session = Session()
    held = held_in(book, session)
    session.is_open = False
    assert back(book) is held
    assert back(book, attempt=2) is Verdict.NEW, "another attempt is another run"
    assert back(book, "job-2") is Verdict.NEW


def test_adopted_once_it_is_no_orphan_any_more(book: Book) -> None:
    """Else the delivery that it is settled by would be lost sight of, and never be settled."""
    session = Session()
    held = held_in(book, session)
    session.is_open = False
    held.delivery = a_delivery(held.envelope, redelivered=True)
    assert back(book) is Verdict.NEW


def test_a_second_message_of_a_job_that_runs_is_a_delivery_of_its_own(book: Book) -> None:
    held_in(book, Session())
    assert fresh(book) is Verdict.NEW
    assert back(book) is Verdict.NEW


def test_two_messages_of_one_job_are_both_held_and_each_is_adopted_once(book: Book) -> None:
    session = Session()
    one, two = held_in(book, session), held_in(book, session, tag=2)
    assert len(book) == 2
    assert set(book.all()) == {one, two}
    session.is_open = False
    new = Session()
    first = back(book)
    assert isinstance(first, Held)
    first.delivery = a_delivery(first.envelope, new, redelivered=True)
    second = back(book)
    assert isinstance(second, Held)
    assert {first, second} == {one, two}
    second.delivery = a_delivery(second.envelope, new, redelivered=True)
    assert back(book) is Verdict.NEW
    book.finish(one)
    book.finish(two)
    assert len(book) == 0


def test_what_finished_when_its_session_was_over_is_settled_when_it_comes_back(book: Book) -> None:
    session = Session()
    held = held_in(book, session)
    session.is_open = False
    book.finish(held)
    assert back(book) is Verdict.FINISHED


def test_what_was_acked_last_before_the_loss_is_settled_when_it_comes_back(book: Book) -> None:
    """Its ack may have been lost on the way."""
    session = Session()
    book.finish(held_in(book, session))
    assert back(book) is Verdict.NEW, "while the session lives, its acks arrive"
    session.is_open = False
    assert back(book) is Verdict.FINISHED


def test_it_is_settled_once_and_again_only_if_that_ack_is_lost_too(book: Book) -> None:
    old, new = Session(), Session()
    book.finish(held_in(book, old))
    old.is_open = False
    assert back(book, session=new) is Verdict.FINISHED
    assert back(book, session=new) is Verdict.NEW, "a second message of it, brought back from elsewhere"
    new.is_open = False
    assert back(book) is Verdict.FINISHED


def test_as_many_are_remembered_of_each_session_as_can_have_been_out(book: Book) -> None:
    one, two = Session(), Session()
    for number in range(10):
        book.finish(held_in(book, one, f"one-{number}"))
    one.is_open = False
    for number in range(100):
        book.finish(held_in(book, two, f"two-{number}"))
    assert [number for number in range(10) if back(book, f"one-{number}") is Verdict.FINISHED] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert back(book, "two-99") is Verdict.NEW


def test_ten_minutes_later_it_is_forgotten(book: Book, clock: Clock) -> None:
    session = Session()
    book.finish(held_in(book, session))
    session.is_open = False
    assert back(book, "another") is Verdict.NEW  # from here on it is remembered
    clock.now += REMEMBERED + 1
    assert back(book) is Verdict.NEW


def test_a_first_delivery_is_run_though_the_same_id_has_finished_here(book: Book) -> None:
    session = Session()
    book.finish(held_in(book, session))
    session.is_open = False
    assert back(book, "another") is Verdict.NEW
    assert fresh(book) is Verdict.NEW
    assert back(book) is Verdict.NEW, "redriven on purpose, and brought back from another worker"


def test_what_was_handed_back_is_run_when_it_comes_back_here(book: Book) -> None:
    session = Session()
    book.finish(held_in(book, session))  # an earlier run of the same job
    again = held_in(book, session, tag=2)
    session.is_open = False
    book.hand_back(again)
    assert back(book) is Verdict.NEW


@given(st.lists(st.tuples(st.sampled_from(["enter", "finish", "hand back", "lose"]), st.integers(0, 3), st.integers(0, 20)), max_size=40))
def test_the_book_holds_what_was_entered_and_not_left(steps: list[tuple[str, int, int]]) -> None:
    book, session = Book(2), Session()
    inside: list[Held] = []
    for step, id, which in steps:
        match step:
            case "enter":
                held = a_held(str(id), session)
                book.enter(held)
                inside.append(held)
            case "lose":
                session.is_open = False
                session = Session()
            case _ if inside:
                held = inside.pop(which % len(inside))
                (book.finish if step == "finish" else book.hand_back)(held)
        assert len(book) == len(inside)
        assert set(book.all()) == set(inside)
