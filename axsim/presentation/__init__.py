"""Presentation: charts, pictures, tables and reports, for the terminal, HTML and Jupyter."""
