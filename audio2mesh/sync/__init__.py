"""SyncNet3D: whether a mouth belongs to a sound, as a training loss and as a measure."""
