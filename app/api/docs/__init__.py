"""The page at ``/docs``: the OpenAPI document as HTML and CSS, without scripts and without third parties."""
