"""The web page: shells that everybody may have, filled in the browser with what its key may see."""
