"""Mechanism of allocation and reclaim; files bear the kernel's names."""
