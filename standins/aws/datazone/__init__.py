"""DataZone as Studio uses it: domains, blueprints, grants, profiles, projects and what is deployed for them."""
