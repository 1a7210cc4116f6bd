"""Motion for any mesh: anny-head registered to it, and scans prepared to speak."""
