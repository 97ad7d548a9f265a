"""The verb `rollout`: it plans, writes what the state machines work through, starts them, and reads how they stand.

Nothing of a rollout runs here (docs/decisions/0108): ending this process ends nothing.
"""
