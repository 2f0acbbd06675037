"""`mlops demo`: the whole story on the real flights of 2013."""
