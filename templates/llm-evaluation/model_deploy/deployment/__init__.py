"""How an evaluated configuration (a prompt and the settings of a model) becomes what a stage uses."""
