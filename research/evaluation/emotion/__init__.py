"""Whether emotions show, and whether lips go on speaking under them."""
