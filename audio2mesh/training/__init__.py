"""Training of the motion weights: windows, augmentation, losses, the run."""
