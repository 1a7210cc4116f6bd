"""Visual speech recognition: grey crops of a mouth in, phones out."""
