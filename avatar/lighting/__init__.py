"""Light: environments, baked visibility, shading, and avatars in another light."""
