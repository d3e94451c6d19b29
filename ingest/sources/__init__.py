"""One folder per origin; each turns what the origin says into records and knows no database."""
