"""The launcher and the command line: the one place that may see both tiers."""
