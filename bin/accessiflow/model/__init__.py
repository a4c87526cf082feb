"""Basenji-type models: the params JSON, the Keras network it describes, and weights in Keras' legacy HDF5 layout."""
