"""What the shop's web tier asks for. Light: the web tier imports this, and never the handlers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.job import Job


class Charged(BaseModel):
    """What the customer has paid for the order so far, and the job that sends the receipt."""

    order: str
    cents: int
    receipt: str


class Charge(Job[Charged], name="shop.charge", queue="shop"):
    """Charge a customer for an order."""

    order: str = Field(min_length=1, max_length=40)
    cents: int = Field(gt=0)


class Receipt(Job[str], name="shop.receipt", queue="mail"):
    """Write the receipt of an order; the reply is its text."""

    order: str
    cents: int
