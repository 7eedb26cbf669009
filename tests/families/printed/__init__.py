"""What is printed of the families: rows of `measured.figures`, whose source is said beside them."""
