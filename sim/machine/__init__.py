"""State without decisions: the arrays that mechanisms share, and what keeps them consistent."""
