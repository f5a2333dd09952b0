"""Controls: one row for every Scenario field, its widget, and the form they make together."""
