"""Files of arrays, one sample per index of the first axis: NumPy, idx and HDF5."""
