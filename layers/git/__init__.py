"""The git layer: Debian's own packages, made to run from /opt/git."""
