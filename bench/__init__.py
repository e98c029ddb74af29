"""Measurements beside a peer, in one run, as ratios. Nothing here is a test: no figure makes anything fail."""
