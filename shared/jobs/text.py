"""What a text is made of."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.job import Job


class WordCount(BaseModel):
    """One word of a text."""

    word: str = Field(description="the word, in lower case")
    count: int = Field(description="how often it occurs")


class TextStatistics(BaseModel):
    """The figures of a text."""

    characters: int = Field(description="Unicode code points, spaces included")
    characters_without_spaces: int
    words: int = Field(description="runs of letters and digits; don't and well-known are one word each")
    unique_words: int = Field(description="different words, capitals or not")
    lines: int
    sentences: int = Field(description="pieces that end in . ! or ?, or with the text")
    longest_word: str = Field(description="the first of the longest; empty where there is no word")
    most_common: list[WordCount] = Field(description="at most 10, the most frequent first, else in order of appearance")


class CountText(Job[TextStatistics], name="text.count"):
    """Count the characters, words, lines and sentences of a text."""

    # Counted on the worker's loop, where others wait meanwhile: this many take 6 to 10 ms.
    text: str = Field(max_length=100_000, description="the text, at most 100,000 characters")
