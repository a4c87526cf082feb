"""accessiflow: does a sequence-to-accessibility model work where it matters, and which training choice makes it better?

The library behind the stage scripts in `bin/`: docs/library.md shows it in a notebook, docs/developing.md its rooms.
"""

__version__ = "0.1.0"
