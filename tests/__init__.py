"""The tests; a package, so that ``tests.support`` and ``python -m tests.bench`` resolve."""
