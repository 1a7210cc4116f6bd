"""Every file that an avatar or its motion is kept in."""
