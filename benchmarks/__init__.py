"""Measurements, each next to its floor: bare pika doing the same in the same run."""
