"""Benchmarks, one module each with a ``main()``: tables to read, never a verdict."""
