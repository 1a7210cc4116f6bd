"""The commands of research/, beside those of configs/."""
