"""Whether feelings show, and whether lips go on speaking under them."""
