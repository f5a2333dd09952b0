"""Instruments: what a run says about itself. Reads Results and arrays, never a Scenario."""
