"""HTTP/1.1 on a socket: uvicorn's protocol with bounds on what a peer sends and how long it takes, and a server."""
