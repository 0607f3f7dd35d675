"""The handler of `text.count`: short work, done on the loop."""

from __future__ import annotations

import re
from collections import Counter

from shared.jobs.text import CountText, TextStatistics, WordCount
from worker.handler import handles

# \u2019 is the curly apostrophe; \u2026 an ellipsis; the others are the full stops of Chinese and Japanese.
WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
SENTENCE_END = re.compile(r"[.!?\u2026]+(?=\s|$)|[\u3002\uff01\uff1f]+")  # the dot of 3.14 ends nothing
COMMON = 10


@handles(CountText)
async def count_text(job: CountText) -> TextStatistics:
    """Statistics of the text."""
    text = job.text
    words = WORD.findall(text)
    counts = Counter(word.lower() for word in words)
    return TextStatistics(
        characters=len(text),
        characters_without_spaces=len("".join(text.split())),
        words=len(words),
        unique_words=len(counts),
        lines=len(text.splitlines()),
        sentences=sum(1 for piece in SENTENCE_END.split(text) if WORD.search(piece)),
        longest_word=max(words, key=len, default=""),
        most_common=[WordCount(word=word, count=count) for word, count in counts.most_common(COMMON)],
    )
