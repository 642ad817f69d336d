// The folder's sources are listed in its subfolders.
