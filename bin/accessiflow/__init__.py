"""accessiflow: does a sequence-to-accessibility model work where it matters, and which training choice makes it better?

The library behind the stage scripts in `bin/`. Floors, bottom up (a module imports downward only):
ground (errors, files, cli, genome, intervals, sheets) < signal (signal, peaks, dataset) < models (model, training,
inference, variants) < analyses (evaluation, heritability, eqtl, imbalance) < report. `simulate` stands beside the house.
"""

__version__ = "0.1.0"
