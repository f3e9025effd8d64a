"""What :mod:`osbrain.errors` shows: the root of the tree, and its largest branch."""
