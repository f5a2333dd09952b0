"""Generators of intent: they read, write, touch and sleep, and know nothing of reclaim."""
