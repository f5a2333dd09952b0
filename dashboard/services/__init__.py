"""What outlives a request: results, runs, recordings, images. Free of Dash.

The runner and renderer processes live here too and import their own modules only.
"""
