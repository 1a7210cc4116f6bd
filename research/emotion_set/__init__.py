"""Recordings with every emotion in every intensity, as data to train on."""
