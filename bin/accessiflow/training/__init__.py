"""Training: augmentation, losses, metrics and the loop, by Basenji's rules where nothing else is asked for."""
