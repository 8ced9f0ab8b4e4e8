"""What `altid demo` is made of: one server (`single`) or the region (`region`), loaded with synthetic
patients (`filling`), looked at as its users will (`looking`), and proven (`proof`). `narrator` tells it."""
