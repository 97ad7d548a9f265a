"""Custom::RepositoryTemplate: the template's version is in the repository, beside the user's work.

A re-sync is git's own merge of the template's lineage into the default branch (docs/decisions/0002). What cannot
be pushed becomes one pull request. User files and user edits are never overwritten.

    resource -> observing -> base, ownership, template_commit   reads; says what the repository is
             -> planning  -> pull_request_text, lineage         pure; the only place of decision
             -> applying  -> pull_request_text                  does what the plan says

lineage and marks are what a repository records of us, with the proofs of it (custom_resources/seal.py).
They speak in the types of state (Empty, Same, Waiting, Merged) and of plans (Leave, Push, Propose).
"""
