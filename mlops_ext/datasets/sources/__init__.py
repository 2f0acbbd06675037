"""Where rows come from: frames, files here and elsewhere, readers, databases and lakes; and pins to what stays."""
