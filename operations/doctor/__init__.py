"""`operations doctor`: is the installation whole? GitHub's side, AWS's side, and the order of both. Reads only."""
