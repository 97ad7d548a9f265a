"""Stand-ins for services that cannot be reached here. They refuse what the real ones do, and import nothing of ours."""
