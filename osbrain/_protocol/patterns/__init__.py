"""What each kind of socket does with messages; one file a pattern, none of them touches a socket."""
