"""A model on the web: an HTTP API for programs, a page for people. Needs the extra imagewise[serve]."""
