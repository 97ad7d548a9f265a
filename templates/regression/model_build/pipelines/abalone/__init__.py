"""Predicts the age (rings) of abalone."""
