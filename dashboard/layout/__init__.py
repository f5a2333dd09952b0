"""The page as components: no callbacks, no figures drawn, no numbers computed."""
