"""The service on other platforms: each file joins the application to one of them."""
