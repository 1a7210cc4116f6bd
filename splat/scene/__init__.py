"""What is drawn and from where: Gaussians, cameras, their files and conventions."""
