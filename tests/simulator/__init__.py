"""Simulated terminals, in memory."""
