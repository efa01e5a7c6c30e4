"""A company's folder: its profile and its master data, and what is at fault in them."""
