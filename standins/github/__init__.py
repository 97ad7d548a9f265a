"""A GitHub-compatible server for one machine: REST, Git over HTTP, and faults on demand (docs/github-standin.md)."""
