"""Jobs: notebooks run through papermill, from a durable queue, with a record that tells what happened."""
