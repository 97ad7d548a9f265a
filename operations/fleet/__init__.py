"""The fleet: what every project has, as AWS and GitHub tell it now."""
