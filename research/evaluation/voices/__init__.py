"""Whether avatars say alike what any voice says, and stay who they are."""
