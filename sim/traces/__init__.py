"""Recordings of real kernels as Results with gaps.

* ``read(path)``: one file, a run folder of 6.1 or a run name of 2.6.36;
* ``catalogue(folder)``: what a folder of recordings holds;
* ``scenario_for(recording)`` and ``facts_of``: the simulated run of the same parameters.

A file with nothing usable raises ``TraceError``; damage in places is left out and named in
``meta["problems"]``. Every family that is not there says why in ``Result.families``.
"""

from sim.traces.catalogue import Recording, catalogue
from sim.traces.errors import TraceError
from sim.traces.reader import read
from sim.traces.restate import Fact, facts_of, scenario_for

__all__ = ["Fact", "Recording", "TraceError", "catalogue", "facts_of", "read", "scenario_for"]
