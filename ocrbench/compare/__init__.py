"""Two configurations → paired statistics → verdict."""
