"""Reclaim Lab's page and HTTP interface: one Dash app over runs that other processes compute.

Rooms: ``settings``, ``ids``, ``view_state`` (data), ``controls``, ``figures`` (pure), ``services``
(runs, results, images), ``layout``, ``callbacks``, ``http`` (what links, scripts and the page's own
JavaScript ask), ``app`` (puts them together). The web process never imports numba.
"""
