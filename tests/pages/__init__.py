"""README.md and the pages in `docs/`: what they show and name is so; and the bench."""
