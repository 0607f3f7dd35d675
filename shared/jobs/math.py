"""Work for the processor."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from shared.job import Job

LONGEST_LIST = 1_000_000  # below it are 78,498 primes: some 540 kB of JSON


class Primes(BaseModel):
    """The prime numbers below a limit."""

    count: int = Field(description="how many there are")
    largest: int | None = Field(description="the largest; null where there is none")
    primes: list[int] | None = Field(default=None, description="all of them, where they were asked for")


class FindPrimes(Job[Primes], name="math.primes", queue="cpu"):
    """Count, or list, the prime numbers below a limit."""

    below: int = Field(ge=0, le=50_000_000, description="the limit, itself not included; at most 50,000,000")
    listed: bool = Field(default=False, description="whether to list them; then `below` is at most 1,000,000")

    @model_validator(mode="after")
    def _short_enough_to_list(self) -> Self:
        if self.listed and self.below > LONGEST_LIST:
            raise ValueError(f"below: at most {LONGEST_LIST} where listed is true")
        return self
