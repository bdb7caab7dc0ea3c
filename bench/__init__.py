"""Benchmarks: programs that measure and report, never tests that time."""
