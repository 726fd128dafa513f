"""How samples become one file: a module per format, a line each in ``registry``."""
