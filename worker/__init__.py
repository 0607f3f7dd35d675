"""The fleet: one attempt from delivery to settlement, and where handlers run."""
