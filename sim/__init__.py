"""Reclaim Lab's virtual machine: Linux 2.6.35 page reclaim and writeback, page by page.

Public modules, the only ones the dashboard may import:

* ``sim.scenario``: frozen description of one experiment, its ranges and its digest;
* ``sim.scenario_url``: the same as a link, both ways;
* ``sim.presets``: the questions of the June 2010 mail as scenarios;
* ``sim.runner``: ``run(scenario) -> Result``;
* ``sim.result``: arrays and counters of one run, simulated or recorded;
* ``sim.observe.metrics`` and ``sim.observe.ftrace``: the numbers and the trace text;
* ``sim.traces``: readers of recordings of real kernels.

Rooms below them: ``engine`` (discrete events, knows no page), ``machine`` (state without
decisions), ``block``, ``fs``, ``mm`` (mechanism), ``policy`` (choices as rules), ``workload``
(intents), ``observe`` (instruments). ``sim/MODEL.md`` says what is claimed and what is not.
"""

MODEL_VERSION = 7
"""Bumped whenever the same scenario gives other bits; CHANGELOG.md says why."""
