"""Turns choices into rules and, where a choice needs its own thread, into tasks.

How to add a policy:

1. Add its name to ``Patch`` or ``MemcgAnswer`` in ``sim.scenario``, with the pairs it excludes.
2. Say in one file here, in prose on top, what it does and who proposed it.
3. If mechanism must decide something new, add one field to ``ReclaimRules`` with a neutral default.
4. Resolve the choice in ``sim.policy.rules.resolve``: data only, no behaviour.
5. If it needs a thread, write it as a generator task here and spawn it in ``sim.build``.
6. Add a preset with the question as title, a metric, and a test that fails without it.
"""
