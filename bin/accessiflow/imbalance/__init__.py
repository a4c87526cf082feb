"""Allelic imbalance: reads counted at heterozygous sites, calls, and how well scores classify them."""
