"""One page on which photos become avatars that speak, and are filmed."""
