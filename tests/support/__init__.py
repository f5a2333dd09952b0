"""What several test rooms share: checkers, strategies, stand-ins."""
