"""What the files of an avatar that is a folder are called, by GaussianAvatars and by us."""

POINTS, PARAMETERS, MESH = "point_cloud.ply", "flame_param.npz", "canonical_mesh.npz"
CANONICAL_PARAMETERS = "canonical_flame_param.npz"
