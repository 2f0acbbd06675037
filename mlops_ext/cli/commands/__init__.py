"""Commands written by hand, in files by thing: they touch files, keys, kernels or the whole store."""
