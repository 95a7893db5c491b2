"""What the store promises: each method, its arguments, its files on disk, its calls."""
