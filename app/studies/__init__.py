"""Studies: experiments that answer a question about somebody's own data, with an interval and in words."""
