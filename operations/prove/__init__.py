"""Prove: the assumptions of docs/studio.md, looked at one by one in an account, with a throwaway project."""
