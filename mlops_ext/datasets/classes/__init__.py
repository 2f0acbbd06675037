"""Classes of columns: which hold personal or restricted values, and who has read the restricted ones."""
